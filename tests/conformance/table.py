"""The table of every normative statement and what proves it, from what the tests of a run recorded.

table.py clear RECORDS             a run begins
table.py check RECORDS TABLE       a run has ended: writes the table (Markdown) and fails on
    - a proof of a statement that statements.csv does not have, or of one that unproved.txt still lists;
    and, when MORTISE_ALL_TESTS=1 says that every test ran (tests/run does),
    - a statement that binds a broker, without proof and not in unproved.txt;
    - a proof of proofs.txt that did not run, and one that ran and is not there.
  Without MORTISE_ALL_TESTS it ends with status 77, skipped: a part of the tests proves a part.
table.py write RECORDS             makes proofs.txt of the records of a whole run

RECORDS has a line for each proof: VERSION STATEMENT <tab> TEST. The C++ side is proof.h, the Python side support.py.
"""
import collections
import csv
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROOFS = HERE / "proofs.txt"
SKIPPED = 77


def read_statements():
    with open(HERE / "statements.csv", newline="") as file:
        return {f"{row['version']} {row['statement']}": row for row in csv.DictReader(file)}


def read_records(file):
    """Statement -> the tests that proved it."""
    found = collections.defaultdict(set)
    lines = file.read_text().splitlines() if file.exists() else []
    for line in lines:
        statement, _, test = line.partition("\t")
        found[statement].add(test)
    return found


def read_unproved():
    """Statement -> why there is no proof yet. A line is VERSION STATEMENT: REASON."""
    found = {}
    for line in (HERE / "unproved.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            statement, _, reason = line.partition(": ")
            found[statement] = reason
    return found


def wrong_lists(statements, unproved):
    """What is wrong with the lists themselves."""
    for name, row in statements.items():
        if row["binds_broker"] not in ("yes", "no"):
            yield f"statements.csv: {name}: binds_broker is neither yes nor no"
        elif (row["binds_broker"] == "no") != bool(row["reason"]):
            yield f"statements.csv: {name}: a statement that does not bind a broker has a reason, and no other has"
    for name, reason in unproved.items():
        if name not in statements:
            yield f"unproved.txt: {name}: there is no such statement"
        elif statements[name]["binds_broker"] == "no":
            yield f"unproved.txt: {name}: does not bind a broker; take it out"
        elif not reason:
            yield f"unproved.txt: {name}: has no reason"


def wrong_records(statements, unproved, records):
    """What is wrong whether all tests ran or a part of them."""
    for name in sorted(records):
        if name not in statements:
            yield f"{name}: there is no such statement; proved by {', '.join(sorted(records[name]))}"
        elif name in unproved:
            yield f"{name}: is proved now ({sorted(records[name])[0]}); take it out of unproved.txt"


def wrong_run(statements, unproved, records):
    """What is wrong when all tests ran."""
    for name, row in statements.items():
        if row["binds_broker"] == "yes" and name not in records and name not in unproved:
            yield f"{name}: is not proved by any test of this run"
    ran = set(proof_lines(records))
    expected = set(PROOFS.read_text().splitlines()) if PROOFS.exists() else set()
    for line in sorted(expected - ran):
        yield f"{line}: this proof did not run"
    new = sorted(ran - expected)
    if new:
        yield f"{len(new)} proofs are new, the first: {new[0]}; run table.py write"


def proof_lines(records):
    return sorted(f"{name} {test}" for name, tests in records.items() for test in tests)


def write_table(file, statements, unproved, records):
    def cell(name, row):
        if name in records:
            tests = sorted(records[name])
            return "<br>".join(f"`{test}`" for test in tests)
        if row["binds_broker"] == "no":
            return "does not bind a broker: " + row["reason"]
        return "**not proved**" + (": " + unproved[name] if name in unproved else "")

    lines = ["# MQTT, statement by statement", "", "Written by a run of the tests; see tests/conformance/README.md.", ""]
    for version in ("5.0", "3.1.1"):
        rows = {name: row for name, row in statements.items() if row["version"] == version}
        binding = [name for name, row in rows.items() if row["binds_broker"] == "yes"]
        lines += [f"## {version}", "", f"{len(rows)} statements, {len(binding)} bind a broker, "
                  f"{sum(name in records for name in binding)} of them are proved.", "", "| statement | proved by |", "|---|---|"]
        lines += [f"| {row['statement']} | {cell(name, row)} |" for name, row in rows.items()] + [""]
    file.write_text("\n".join(lines))
    return [line for line in lines if " bind a broker, " in line]


def check(records_file, table):
    statements, unproved, records = read_statements(), read_unproved(), read_records(records_file)
    sums = write_table(table, statements, unproved, records)
    print(f"{table}:", *sums, sep="\n  ")
    wrong = [*wrong_lists(statements, unproved), *wrong_records(statements, unproved, records)]
    is_whole = os.environ.get("MORTISE_ALL_TESTS") == "1"
    if is_whole:
        wrong += wrong_run(statements, unproved, records)
    if wrong:
        sys.exit("\n".join(wrong))
    if not is_whole:
        print("what was not run was not judged: MORTISE_ALL_TESTS is not 1 (tests/run sets it)")
        sys.exit(SKIPPED)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("clear", "check", "write"):
        sys.exit(__doc__)
    records = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "clear":
        records.unlink(missing_ok=True)
    elif sys.argv[1] == "write":
        PROOFS.write_text("".join(line + "\n" for line in proof_lines(read_records(records))))
    else:
        check(records, pathlib.Path(sys.argv[3]))


if __name__ == "__main__":
    main()
