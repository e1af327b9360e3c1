"""Text files as banks deliver them: characters, separators, quotes, and lines that are no rows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pytest

from tests.unit.sources.delivered import problems_of, read

PLAIN = "id,income,region\n1,1200.5,north\n2,900,south\n3,1500,west\n"
ROWS = [{"id": 1, "income": 1200.5, "region": "north"}, {"id": 2, "income": 900.0, "region": "south"}]
ROWS += [{"id": 3, "income": 1500.0, "region": "west"}]


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        PLAIN.rstrip("\n").encode(),
        gzip.compress(PLAIN.encode()),
        bz2.compress(PLAIN.encode()),
        lzma.compress(PLAIN.encode()),
        pa.compress(PLAIN.encode(), codec="zstd", asbytes=True),
        zipped(loans=PLAIN.encode()),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace(",", "\x01").encode(),
        PLAIN.replace(",", "   ").encode(),
        PLAIN.replace(",", " , ").encode(),
        PLAIN.replace("\n", ",\n").encode(),
        ("sep=;\n" + PLAIN.replace(",", ";")).encode(),
        ("\n\n" + PLAIN).encode(),
        ("# exported on Monday, by night\n# by nobody\n" + PLAIN).encode(),
        ("Notes offered by prospectus (https://example.com/prospectus)\n" + PLAIN).encode(),
        (PLAIN + "\nTotal amount funded in policy code 1: 3600\nTotal amount funded in policy code 2: 0\n").encode(),
        (PLAIN + "Total,3600.5,\n").encode(),
        (PLAIN + ",,\n,,\n").encode(),
        ("id,income,region\n" + PLAIN.split("\n", 1)[1].replace("\n", ",\n")).encode(),
        PLAIN.replace("2,900", "id,income,region\n2,900").encode(),
        b"@relation loans\n@attribute id numeric\n@attribute 'income' real\n@attribute region {north, south}\n@DATA\n"
        + PLAIN.split("\n", 1)[1].encode(),
    ],
    ids=str,
)
def test_one_table_is_read_however_it_is_written(content: bytes) -> None:
    assert read(content).rows.to_pylist() == ROWS


def test_every_line_that_is_no_row_is_told() -> None:
    delivered = read("A legal line\n\n" + PLAIN + "\nTotal amount funded in policy code 1: 3600\n")
    assert delivered.notes == [
        "2 lines above the table left out",
        "1 line blank left out",
        "1 line of totals below the rows left out",
    ]


@pytest.mark.parametrize("quoted", ['"He said ""no"", twice"', '"two\nlines"', '"a,b"', '"two\r\nlines, and one"'])
def test_quotes_hold_separators_quotes_and_line_breaks(quoted: str) -> None:
    delivered = read(f"id,remark,bad\n1,{quoted},0\n2,plain,1\n")
    assert delivered.column("remark")[0] == quoted[1:-1].replace('""', '"')
    assert delivered.column("bad") == [0, 1]


def test_quotes_may_be_escaped_by_a_backslash_and_null_is_written_as_mysql_does() -> None:
    delivered = read('id,remark,income\n1,"He said \\"hi\\", twice",5\n2,plain,\\N\n3,"x",7\n')
    assert delivered.column("remark") == ['He said "hi", twice', "plain", "x"]
    assert delivered.column("income") == [5, None, 7]


def test_a_backslash_in_a_plain_file_is_a_character() -> None:
    assert read("id,folder\n1,C:\\temp\n2,D:\\x\n").column("folder") == ["C:\\temp", "D:\\x"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "loans.csv: the file is empty: it has not even a header"),
        ("\n \n", "loans.csv: the file is empty: it has not even a header"),
        ('id,x\n1,"open\n2,3\n4,5\n', "loans.csv: the quote that is opened in line 2 is never closed"),
        ('id,x\n1,"a" b\n2,c\n3,d\n', "loans.csv: text stands behind a closed quote in 1 line (line 2)"),
        (
            "id,x\n1,2\nsecret,1,2\n3,4\nsecret\n5,6\n",
            "loans.csv: 2 lines with other fields than the header's 2, separated by ',': 1 with 3, 1 with 1 (line 3, 5)",  # noqa: E501
        ),
        (
            gzip.compress(PLAIN.encode())[:-9],
            "loans.csv: its compressed content is cut short or damaged: deliver it again",
        ),
        (zipped(a=b"1", b=b"2"), "loans.csv: the zip archive holds 2 files; deliver one, or unpack it into a folder"),
        (
            zipped(**{"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}),
            "loans.csv: it is an Excel workbook, which is not read: save the sheet as CSV (UTF-8)",
        ),
        (b"%PDF-1.7 ...", "loans.csv is a PDF document, no text file"),
        (b"<!DOCTYPE html><html>", "loans.csv is a web page, no text file"),
        (
            "@relation x\n@attribute a numeric\n@data\n{0 1}\n",
            "loans.csv: its ARFF rows are written sparsely: export them as dense ARFF or CSV",
        ),
        ("id,x,x\n1,2,3\n", "loans.csv: column x stands in the header 2 times"),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_table_is_one_sentence_without_a_value(content: bytes | str, told: str) -> None:
    assert problems_of(content) == (told,)
    assert "secret" not in told


def test_a_row_that_is_cut_short_at_the_end_is_no_footer() -> None:
    assert problems_of(PLAIN + "4,80")[0].startswith("loans.csv: 1 line with other fields than the header's 3")


@pytest.mark.parametrize(
    ("text", "encoding", "read_as"),
    [
        ("stadt,n\nKöln,1\nMünchen,2\nDüsseldorf,3\nZürich,4\n", "cp1252", "cp1252"),
        ("stadt,n\nKöln,1\nMünchen,2\nDüsseldorf,3\nZürich,4\n", "cp850", "cp850"),
        ("miasto,n\nŁódź,1\nKraków,2\nGdańsk,3\nWrocław,4\n", "cp1250", "cp1250"),
        ("город,n\nМосква,1\nКазань,2\nТверь,3\nПермь,4\n", "cp1251", "cp1251"),  # noqa: RUF001
    ],
    ids=("western", "DOS", "central European", "Cyrillic"),
)
def test_older_encodings_are_found_by_evidence_and_told_as_a_guess(text: str, encoding: str, read_as: str) -> None:
    delivered = read(text.encode(encoding))
    name = text.split(",", 1)[0]
    assert delivered.column(name) == [line.split(",")[0] for line in text.splitlines()[1:]]
    assert f"characters are read as {read_as}, a guess: give encoding if names or levels look wrong" in delivered.notes


def test_encoding_is_found_where_the_first_64_kilobytes_are_plain() -> None:
    lines = [f"{number},north\n" for number in range(20_000)]
    delivered = read(("id,stadt\n" + "".join(lines) + "1,Köln\n").encode("cp1252"))
    assert delivered.column("stadt")[-1] == "Köln"


def test_a_lost_character_is_refused() -> None:
    assert problems_of("stadt,n\nK\ufffdln,1\nBonn,2\n") == (
        "column stadt: 1 values hold U+FFFD, the mark of a lost character: export it again",
    )


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("1,2,x\n3,4,y\n5,6,z\n", ["column_1", "column_2", "column_3"]),
        (",a,b\n0,1,2\n1,3,4\n", ["column_1", "a", "b"]),
        ('"a","b"\n"1",2,3\n"2",4,5\n', ["column_1", "a", "b"]),
        ("2019,2020,bad\n1,2,0\n3,4,1\n", ["2019", "2020", "bad"]),
    ],
    ids=("no header", "as pandas writes it", "as R writes it", "years as names"),
)
def test_columns_have_the_names_of_the_header_or_their_place(content: str, names: list[str]) -> None:
    assert read(content, expected=["bad"]).rows.column_names == names


def test_what_a_person_says_wins() -> None:
    assert read("a;b\n1;2\n", dialect={"separator": ","}).rows.column_names == ["a;b"]
    assert read("x,y\nu,v\n", dialect={"header": False}).rows.num_rows == 2
    assert read("junk,junk\na,b\n1,2\n", dialect={"skip_lines": 1}).rows.column_names == ["a", "b"]
    assert read("a,b\n\xe9,1\n".encode("cp1252"), dialect={"encoding": "cp1252"}).column("a") == ["é"]
