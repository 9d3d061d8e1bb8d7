"""One CSV file at a time: what loads, what is lost and why, what is refused as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import random
from pathlib import Path

import pyarrow as pa
import pytest

from ops import read_csv
from ops.read_csv import MIXED_ENDS, NOT_TEXT, CsvFile, NotPlain, Refused

HEADER = "id,name,note\n"


class Answer:
    """A file read record by record: rows (line, values ...), lost (line, reason, text), refused."""

    def __init__(self, path: Path, wanted: list[str] | None = None, fast: bool = False):
        file = CsvFile(path)
        self.file, self.lost, self.refused, self.rows = file, [], file.refused, []
        if self.refused:
            return
        self.wanted = wanted or file.names

        def lose(*row):
            self.lost.append(row)

        try:
            batches = list(file.plain_batches(self.wanted) if fast else file.batches(self.wanted, lose))
        except Refused as reason:
            self.refused, self.lost = str(reason), []
            file.lose_all(self.refused, lose)
            return
        for batch in batches:
            assert batch.schema.names == [*self.wanted, "_row"]
            columns = [column.to_pylist() for column in batch.columns]
            self.rows += [(number, *values) for *values, number in zip(*columns, strict=True)]
        assert file.loaded == len(self.rows)


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, name: str = "file.csv", **options) -> Answer:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return Answer(tmp_path / name, **options)

    return read


def test_rows_are_text_and_numbered_by_physical_line(read):
    answer = read(HEADER + '1, a ,""\n' + '2,"b,\n""c""",x\n' + "\n" + '"",é,0x10\n')
    assert answer.rows == [(2, "1", " a ", None), (3, "2", 'b,\n"c"', "x"), (6, None, "é", "0x10")]
    assert answer.lost == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz"])
def test_line_ends(read, end, last, name):
    text = (HEADER + "1,a,\n" + "2,b,x\n").replace("\n", end)
    assert read(text if last else text.removesuffix(end), name).rows == [(2, "1", "a", None), (3, "2", "b", "x")]


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    answer = read(b"\xef\xbb\xbf" + (HEADER + "1,a,\n").encode())
    assert answer.file.names == ["id", "name", "note"]
    assert answer.rows == [(2, "1", "a", None)]
    assert read(b"\xef\xbb\xbf" + b'"id",name,note\n1,a,\n').rows == [(2, "1", "a", None)]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_nothing_in_it(read, content):
    assert read(content).file.names == []


def test_blank_lines_are_no_rows_wherever_they_stand(read):
    assert read("\n\n" + HEADER + "\n1,a,b\n\n\n2,a,b\n\n").rows == [(5, "1", "a", "b"), (8, "2", "a", "b")]
    assert read("\r\n" + HEADER.replace("\n", "\r\n") + "\r\n1,a,b\r\n").rows == [(4, "1", "a", "b")]
    assert read("id\n1\n\n2\n").rows == [(2, "1"), (4, "2")]


def test_rows_with_other_numbers_of_fields_are_lost(read):
    answer = read(HEADER + "1,a,b\n" + "2,a\n" + "3,a,b,c\r".replace("\r", "\n") + "   \n" + '4,"a\nb"\n' + "5,,")
    assert answer.rows == [(2, "1", "a", "b"), (8, "5", None, None)]
    assert answer.lost == [
        (3, "2 fields where the header has 3", "2,a"),
        (4, "4 fields where the header has 3", "3,a,b,c"),
        (5, "1 fields where the header has 3", "   "),
        (6, "2 fields where the header has 3", '4,"a\nb"'),
    ]


def test_stray_quotes(read):
    answer = read(HEADER + '1,5" disk,a "b" c\n' + '2,"a"b,c\n' + "3,a,b\n")
    assert answer.rows == [(2, "1", '5" disk', 'a "b" c'), (4, "3", "a", "b")]
    assert answer.lost == [(3, "a quote stands where CSV allows none", '2,"a"b,c')]


def test_rows_that_are_not_utf8_are_lost(read):
    answer = read(HEADER.encode() + b'1,caf\xe9,"x\ny"\n' + b"2,caf\xc3\xa9,\n" + b"\xff\n" + b'3,"\xe9"z,\n')
    assert answer.rows == [(4, "2", "café", None)]
    assert answer.lost == [
        (2, "not UTF-8", '1,caf\ufffd,"x\ny"'), (5, "not UTF-8", "\ufffd"), (6, "not UTF-8", '3,"\ufffd"z,')
    ]


def test_a_nul_loses_its_row_and_in_the_header_refuses_the_file(read):
    answer = read(HEADER + "1,a,b\n" + "2,a\0,b\n" + "\0\0\0")
    assert answer.rows == [(2, "1", "a", "b")]
    assert [(line, reason) for line, reason, _ in answer.lost] == [
        (3, "holds a NUL character"), (4, "holds a NUL character")
    ]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        assert read((HEADER + "1,a,b\n").encode(encoding)).refused == NOT_TEXT


def test_a_header_that_is_not_utf8_refuses_the_file(read):
    answer = read(b"id,pr\xe9nom,note\n1,a,b\n")
    assert answer.refused == "the header line is not UTF-8"
    lost = []
    answer.file.lose_all(answer.refused, lambda *row: lost.append(row))
    assert lost == [(2, "the header line is not UTF-8", "1,a,b")]


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "1,a,b\r\n" + "2,a,b\n",
        HEADER.replace("\n", "\r\n") + "1,a,b\n",
        HEADER + "1,a,b\r" + "2,a,b\n",
        HEADER + '1,"a\nb",c\n' + "2,a,b\r\n",
        HEADER + "\r\n" + '1,"a",b\n',
        (HEADER + "1,a,b\n").replace("\n", "\r\r\n"),
    ],
)
def test_lines_that_end_in_several_ways_refuse_the_file(read, content):
    assert read(content).refused == MIXED_ENDS


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r", "a\r\nb\rc\nd", "\r\n\n\r"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_inside_quotes_stay_as_delivered(read, inside, end):
    answer = read(HEADER.replace("\n", end) + f'1,"{inside}",x{end}2,a,b{end}')
    below = inside.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert answer.rows == [(2, "1", inside, "x"), (3 + below, "2", "a", "b")]


def test_a_quote_never_closed_refuses_the_file_line_by_line(read):
    text = HEADER + "1,a,b\n\n" + '2,"a,b\n' + "3,a,b\n" + "4,a,b"
    answer = read(text)
    assert answer.refused == "a quote opened in the record on line 4 is never closed"
    assert answer.lost == [
        (number, answer.refused, line) for number, line in enumerate(text.split("\n"), 1) if number > 1 and line
    ]
    # Another quote further down is no end of it when text follows.
    assert read(HEADER + '2,"a,b\n' + "3,a,b\n" + '4,"a",b\n').refused == (
        "a quote opened in the record on line 2 is never closed"
    )


def test_a_quoted_field_that_swallows_records_refuses_the_file(read):
    answer = read(HEADER + '1,"open,b\n' + "2,a,b\n" + "3,a,b\n" + '4,closed"\n' + "5,a,b\n")
    assert answer.refused == "a quoted field of the record on line 2 runs over whole records"


@pytest.mark.parametrize("name", ["file.csv", "file.csv.gz"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_fields_of_any_length(read, name, quote):
    long = "x" * 20_000_000
    answer = read(HEADER + f"1,{quote}{long}{quote},b\n" + "2,a,b\n", name)
    assert [row[0] for row in answer.rows] == [2, 3]
    assert answer.rows[0][2] == long


def test_an_open_quote_cannot_fill_the_memory(read, monkeypatch):
    old = csv.field_size_limit(1_000)
    try:
        answer = read(HEADER + '1,"a,b\n' + "2,a,b\n" * 1_000)
    finally:
        csv.field_size_limit(old)
    assert answer.refused.startswith("a field of the record on line 2 is longer than")
    assert len(answer.lost) == 1_001


def test_no_line_end_at_all_is_no_csv_file(read, monkeypatch):
    monkeypatch.setattr(read_csv, "LONGEST", 1_000)
    monkeypatch.setattr(read_csv, "CHUNK", 100)
    with pytest.raises(OSError, match="no line end in"):
        read(b"x" * 5_000)


@pytest.mark.parametrize("header", ['"id,name', 'id,"na"me', 'id,"na\nme"'])
def test_headers_that_are_none(tmp_path, header):
    path = tmp_path / "file.csv"
    path.write_text(header + "\n1,a\n")
    assert CsvFile(path).names is None


@pytest.mark.parametrize(
    ("header", "words"),
    [("id;name;note", "semicolons"), ('"id";"name"', "semicolons"), ("id\tname", "tabs"), ("id|name", "vertical bars"),
     ("id,name", None), ("a;b", None)],
)
def test_other_separators_are_named(tmp_path, header, words):
    path = tmp_path / "file.csv"
    path.write_text(header + "\n")
    assert CsvFile(path).other_separator(["id", "name"]) == words


def test_only_wanted_columns_are_read(read):
    assert read(HEADER + '1,"a",b\n', wanted=["note", "id"]).rows == [(2, "b", "1")]
    assert read(HEADER + "1,a,b\n2,c,d\n", wanted=["note", "id"], fast=True).rows == [(2, "b", "1"), (3, "d", "2")]


def test_many_rows_come_in_batches(read, monkeypatch):
    monkeypatch.setattr(read_csv, "BATCH_ROWS", 7)
    rows = [(number + 2, str(number), "a", None) for number in range(100)]
    assert read(HEADER + "".join(f"{number},a,\n" for number in range(100))).rows == rows
    monkeypatch.setattr(read_csv, "BATCH_ROWS", 5_000)
    monkeypatch.setattr(read_csv, "BATCH_CHARACTERS", 10)
    assert read(HEADER + "".join(f"{number},a,\n" for number in range(100))).rows == rows


# Both ways of reading must tell the same of any file that the fast one takes.
def random_plain(dice: random.Random) -> str:
    letters = [*"ab é漢🛒;'\t0\\", "1.5", "\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\ufeff"]
    width = dice.randint(1, 5)
    end = dice.choice(["\n", "\r\n"])

    def row() -> str:
        return ",".join("".join(dice.choices(letters, k=dice.choice([0, 0, 1, 3, 30]))) for _ in range(width)) or "x"

    header = ",".join(f"c{place}" for place in range(width))
    ragged = [row() + ",more"] if dice.random() < 0.1 else []
    lines = [header, *(row() for _ in range(dice.randint(1, 60))), *ragged]
    return dice.choice(["", "\ufeff"]) + end.join(lines) + dice.choice(["", end])


def test_both_ways_of_reading_are_equal(read, monkeypatch):
    dice, plain = random.Random(7), 0
    for chunk in (16, 64, 2**22):
        monkeypatch.setattr(read_csv, "CHUNK", chunk)
        for _ in range(400):
            name = dice.choice(["file.csv", "file.csv.gz"])
            slow = read(random_plain(dice), name)
            if slow.file.is_plain():
                try:
                    fast = Answer(slow.file.path, fast=True)
                except NotPlain:
                    continue
                plain += 1
                assert fast.rows == slow.rows
                assert not slow.lost
                assert not slow.refused
    assert plain > 300


def test_chunks_may_part_any_two_bytes(tmp_path, monkeypatch):
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "id,né\r\n1,漢\r\n\xef\xbb\xbf\ufeff,x\r\n\r\n".encode())
    for chunk in range(3, 40):  # a byte order mark is not parted: chunks are longer than that
        monkeypatch.setattr(read_csv, "CHUNK", chunk)
        file = CsvFile(path)
        assert (file.lines, file.ends, file.is_utf8) == (4, {"\r\n"}, True)


def test_a_file_whose_lines_do_not_add_up_does_not_count(read):
    file = read(HEADER + "1,a,b\n").file
    file.lines += 1  # as if one line had not come out of the parser
    with pytest.raises(Refused, match="its 3 lines do not add up: its records take 2"):
        list(file.batches(["id"], lambda *_: None))
    with pytest.raises(NotPlain):
        list(file.plain_batches(["id"]))


@pytest.mark.parametrize("last", ["2,a\n", "2,a,b,c\n", "\n", "\n\n"])
def test_the_fast_way_hands_over_what_is_not_plain(read, last):
    text = HEADER + "1,a,b\n" * 100 + last
    assert CsvFile(read(text).file.path).is_plain()
    with pytest.raises(NotPlain):
        read(text, fast=True)


def test_random_files_add_up(read, monkeypatch):
    """Whatever is in a file: rows, lost rows, blank lines and breaks in quotes are all of its lines, and a parser that
    keeps no account of lines finds the same values."""
    dice, read_whole = random.Random(11), 0
    pieces = ["a", "b", ",", ",", "\n", "\n", "\r\n", "\r", '"', '""', "é", " ", "1", "\0", "\udcff"]
    for chunk in (3, 2**22):
        monkeypatch.setattr(read_csv, "CHUNK", chunk)
        for _ in range(1500):
            ends = dice.choice(["\n", "\r\n", "\r", None])
            rows = [dice.choice(['a,"b\n"', '"",c', "", "d,e", '"f\r\n\n,""",é']) for _ in range(dice.randint(0, 9))]
            noise = "".join(dice.choices(pieces, k=dice.choice([0, 0, 0, 1, 2, 40])))
            rows.insert(dice.randint(0, len(rows)), noise)
            body = "\n".join(rows)
            if ends:
                body = body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", ends)
            data = ("x,y" + (ends or "\n") + body).encode(errors="surrogateescape")
            answer = read(data)
            lines = len(io.TextIOWrapper(io.BytesIO(data), "latin-1", newline="").readlines())
            assert answer.file.lines == lines
            if answer.refused:
                continue
            numbers = [row[0] for row in answer.rows] + [row[0] for row in answer.lost]
            assert len(set(numbers)) == len(numbers)
            assert all(1 < number <= lines for number in numbers)
            if answer.lost:
                continue
            read_whole += 1
            again = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
            expected = [[value or None for value in row] for row in list(again)[1:] if row]
            assert [list(row[1:]) for row in answer.rows] == expected
    assert read_whole > 1000


def test_damaged_gzip_is_an_error(tmp_path):
    path = tmp_path / "file.csv.gz"
    path.write_bytes(gzip.compress((HEADER * 9_999).encode())[:-99])
    with pytest.raises(read_csv.DAMAGED):
        CsvFile(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(OSError):
        CsvFile(path)


def test_text_is_what_arrow_holds(read):
    answer = read(HEADER + "1,a,b\n")
    [batch] = answer.file.batches(["id"], lambda *_: None)
    assert batch.schema == pa.schema([("id", pa.string()), ("_row", pa.int64())])
    [batch] = answer.file.plain_batches(["id"])
    assert batch.schema == pa.schema([("id", pa.string()), ("_row", pa.int64())])
