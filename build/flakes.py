"""Reads the results of several runs of the same tests and prints which tests failed: see build/flakes.sh."""
import pathlib
import sys
import xml.etree.ElementTree as xml


def failure(test):
    message = test.findtext("failure/message") or "no message"
    return message.strip().splitlines()[0][:200].replace("|", "\\|")


def main(folder):
    runs, failures, messages = {}, {}, {}
    for path in sorted(pathlib.Path(folder).glob("*.xml"), key=lambda path: int(path.stem)):
        for test in xml.parse(path).iter("test"):
            name = f"{test.get('type').split('.')[-1]}: {test.get('name')}"
            runs[name] = runs.get(name, 0) + 1
            if test.get("result") != "Pass":
                failures[name] = failures.get(name, 0) + 1
                messages.setdefault(name, failure(test))
    print("| test | runs | failures | first message |\n|---|---|---|---|")
    for name, count in sorted(failures.items(), key=lambda item: -item[1]):
        print(f"| {name} | {runs[name]} | {count} | {messages[name]} |")
    print(f"\n{len(runs)} tests, {sum(runs.values())} runs, {sum(failures.values())} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
