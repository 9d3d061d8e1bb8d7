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
