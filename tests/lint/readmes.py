"""Checks that every folder a reader meets says what it is, in at most 40 lines where it is a part of the broker."""
import sources

LINES = 40


def main():
    offences = []
    folders = [path for part in ("broker", "plugins") for path in sorted((sources.ROOT / part).iterdir()) if path.is_dir()]
    folders = [path for path in folders if (path / "CMakeLists.txt").exists()]
    for folder in folders + [sources.ROOT / name for name in ("plugin-sdk", "fuzz", "tests", "conf")]:
        readme = folder / "README.md"
        name = readme.relative_to(sources.ROOT)
        if not readme.exists():
            offences.append(f"{name} is missing")
        elif folder.parent.name == "broker" and len(readme.read_text().splitlines()) > LINES:
            offences.append(f"{name} is longer than {LINES} lines")
    sources.report(offences, "Say what the folder is, who calls it, and what it must never do.")


if __name__ == "__main__":
    main()
