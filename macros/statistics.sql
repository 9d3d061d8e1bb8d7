{# Probabilities and intervals of statistics, as expressions of double precision. Arguments are SQL expressions of type
   double (give columns: each is written out many times); missing in, missing out. Numbers are written with an exponent,
   for else some engines would take them for decimals. Held against scipy and statsmodels by
   tests/python/definitions/test_statistics.py. #}

{# Nested evaluation of a polynomial, the coefficient of the highest power first. #}
{% macro polynomial(x, coefficients) -%}
    {%- set nested = namespace(sum=coefficients[0]) -%}
    {%- for coefficient in coefficients[1:] -%}
        {%- set nested.sum = '(' ~ nested.sum ~ ' * ' ~ x ~ ' + ' ~ coefficient ~ ')' -%}
    {%- endfor -%}
    {{ nested.sum }}
{%- endmacro %}


{# 1 - F(x) of the standard normal distribution for x >= 0, exact to about 12 digits also where it is tiny: a rational
   function (Hart 1968, algorithm 5666), from 4 on the continued fraction. #}
{% macro normal_upper(x) -%}
    {%- set fraction = namespace(below=x) -%}
    {%- for step in range(24, 0, -1) -%}
        {%- set fraction.below = '(' ~ x ~ ' + ' ~ step ~ 'e0 / ' ~ fraction.below ~ ')' -%}
    {%- endfor -%}
    case
        when {{ x }} >= 39e0 then 0e0
        when {{ x }} >= 4e0 then exp(-5e-1 * {{ x }} * {{ x }}) / 2.5066282746310005e0 / {{ fraction.below }}
        else
            exp(-5e-1 * {{ x }} * {{ x }})
            * {{ polynomial(x, ['3.52624965998911e-2', '7.00383064443688e-1', '6.37396220353165e0', '3.3912866078383e1',
                                '1.12079291497871e2', '2.21213596169931e2', '2.20206867912376e2']) }}
            / {{ polynomial(x, ['8.83883476483184e-2', '1.75566716318264e0', '1.6064177579207e1', '8.67807322029461e1',
                                '2.96564248779674e2', '6.37333633378831e2', '7.93826512519948e2', '4.40413735824752e2']) }}
    end
{%- endmacro %}


{# F(x): the probability that a standard normal variable is at most x. #}
{% macro normal_cdf(x) -%}
    case
        when ({{ x }}) >= 0e0 then 1e0 - {{ normal_upper('(' ~ x ~ ')') }}
        else {{ normal_upper('(-(' ~ x ~ '))') }}
    end
{%- endmacro %}


{# Two-sided probability of a standard normal z: 2 x (1 - F(|z|)), without loss of digits in the tail. #}
{% macro normal_p(z) -%}
    2e0 * {{ normal_upper('abs(' ~ z ~ ')') }}
{%- endmacro %}


{# Probability that chi-square of df degrees of freedom (1 to 20, else missing) is above x. Each two degrees more add one
   term, none negative: df = 1: 2 x (1 - F(sqrt x)), df = 2: exp(-x/2). #}
{% macro chi_square_p(x, df) -%}
    {%- set half = '(5e-1 * (' ~ x ~ '))' -%}
    {#- the exponential in two halves, so that it does not vanish before the sum it is multiplied by -#}
    {%- set root = 'exp(-5e-1 * ' ~ half ~ ')' -%}
    {%- set sums = namespace(even='1e0', odd='1e0') -%}
    {%- for step in range(9, 0, -1) -%}
        {%- set sums.even = '(1e0 + case when (' ~ df ~ ') >= ' ~ (2 * step + 2) ~ ' then ' ~ half ~ ' / ' ~ step
                            ~ 'e0 * ' ~ sums.even ~ ' else 0e0 end)' -%}
    {%- endfor -%}
    {%- for step in range(8, 0, -1) -%}
        {%- set sums.odd = '(1e0 + case when (' ~ df ~ ') >= ' ~ (2 * step + 3) ~ ' then ' ~ half ~ ' / ' ~ step
                           ~ '.5e0 * ' ~ sums.odd ~ ' else 0e0 end)' -%}
    {%- endfor -%}
    case
        when ({{ x }}) is null or ({{ df }}) is null or ({{ df }}) not between 1 and 20 then null
        when ({{ x }}) <= 0e0 then 1e0
        when ({{ x }}) >= 3e3 then 0e0
        when ({{ df }}) % 2 = 0 then {{ root }} * {{ sums.even }} * {{ root }}
        when ({{ df }}) = 1 then {{ normal_p('sqrt(' ~ x ~ ')') }}
        else
            {{ normal_p('sqrt(' ~ x ~ ')') }}
            + {{ root }} * (sqrt({{ half }}) / 8.862269254527580e-1) * {{ sums.odd }} * {{ root }}
    end
{%- endmacro %}


{# The standard normal z as likely as Student's t with df degrees of freedom (any number from 1), without its sign: Hill's
   expansion (1970, algorithm 395). normal_p of a column of it is the two-sided probability of t, good to 1e-6 from 5. #}
{% macro student_t_z(t, df) -%}
    {%- set a = '((' ~ df ~ ') - 5e-1)' -%}
    {%- set b = '(48e0 * ' ~ a ~ ' * ' ~ a ~ ')' -%}
    {%- set ratio = '((' ~ t ~ ') * (' ~ t ~ ') / (' ~ df ~ '))' -%}
    {#- ln(1 + ratio), which loses its digits where the ratio is tiny -#}
    {%- set y = '(' ~ a ~ ' * case when ' ~ ratio ~ ' > 1e-5 then ln(1e0 + ' ~ ratio ~ ') else ' ~ ratio
                ~ ' * (1e0 - 5e-1 * ' ~ ratio ~ ') end)' -%}
    ((({{ polynomial(y, ['(-4e-1)', '(-3.3e0)', '(-24e0)', '(-85.5e0)']) }} / (8e-1 * {{ y }} * {{ y }} + 100e0 + {{ b }})
    + {{ y }} + 3e0) / {{ b }} + 1e0) * sqrt({{ y }}))
{%- endmacro %}


{# How far the 95 % interval of Student's t with df degrees of freedom (an SQL column of type double) reaches on either side,
   in standard errors: the 97.5 % quantile, by Hill's expansion (1970, algorithm 396) from that of the normal distribution.
   Missing below 3 degrees, where the expansion does not hold; good to 4e-6 at 3 and to 1e-7 from 4. #}
{% macro student_t_reach(df) -%}
    {%- set x = '(-1.959963984540054e0)' -%}
    {%- set a = '(1e0 / (' ~ df ~ ' - 5e-1))' -%}
    {%- set b = '(48e0 / (' ~ a ~ ' * ' ~ a ~ '))' -%}
    {%- set c = '(((20700e0 * ' ~ a ~ ' / ' ~ b ~ ' - 98e0) * ' ~ a ~ ' - 16e0) * ' ~ a ~ ' + 96.36e0)' -%}
    {%- set d = '(((94.5e0 / (' ~ b ~ ' + ' ~ c ~ ') - 3e0) / ' ~ b ~ ' + 1e0) * sqrt(' ~ a ~ ' * 1.5707963267948966e0) * ' ~ df ~ ')' -%}
    {%- set few = '(case when ' ~ df ~ ' < 5e0 then 3e-1 * (' ~ df ~ ' - 4.5e0) * (' ~ x ~ ' + 6e-1) else 0e0 end)' -%}
    {%- set e = '((((5e-2 * ' ~ d ~ ' * ' ~ x ~ ' - 5e0) * ' ~ x ~ ' - 7e0) * ' ~ x ~ ' - 2e0) * ' ~ x ~ ' + ' ~ b ~ ' + ' ~ c ~ ' + ' ~ few ~ ')' -%}
    {#- the polynomial of x squared in the middle is a number -#}
    {%- set f = '(((348.43545936435316e0 / ' ~ e ~ ' - 3.8414588206941254e0 - 3e0) / ' ~ b ~ ' + 1e0) * ' ~ x ~ ')' -%}
    {%- set y = '(' ~ a ~ ' * ' ~ f ~ ' * ' ~ f ~ ')' -%}
    case
        when {{ df }} < 3e0 then null
        when {{ y }} > 2e-3 then sqrt({{ df }} * (exp({{ y }}) - 1e0))
        else sqrt({{ df }} * {{ y }} * (1e0 + {{ y }} * (5e-1 + {{ y }} * (1e0 / 6e0 + {{ y }} / 24e0))))
    end
{%- endmacro %}


{# The ends of the 95 % interval of Wilson (1927) for a share of k in n: missing where n is 0. #}
{% macro wilson_low(k, n) -%}
    case when ({{ k }}) <= 0e0 and ({{ n }}) > 0e0 then 0e0 else {{ wilson_end(k, n, '-') }} end
{%- endmacro %}

{% macro wilson_high(k, n) -%}
    case when ({{ k }}) >= ({{ n }}) and ({{ n }}) > 0e0 then 1e0 else {{ wilson_end(k, n, '+') }} end
{%- endmacro %}

{% macro wilson_end(k, n, sign) -%}
    {%- set z = '1.959963984540054e0' -%}
    (({{ k }}) + 5e-1 * {{ z }} * {{ z }} {{ sign }} {{ z }} * sqrt(
        ({{ k }}) * (({{ n }}) - ({{ k }})) / nullif(({{ n }}), 0e0) + 25e-2 * {{ z }} * {{ z }}
    )) / (({{ n }}) + {{ z }} * {{ z }})
{%- endmacro %}
