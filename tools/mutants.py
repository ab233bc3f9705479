#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Automatic mutants of the core, or of the loader of apps: does anything notice when one statement, condition or constant is wrong?

usage: ./kraken torture --mutants [--component system|kapp] [--sample N] [--seed S] [--file NAME] [--again] [--list]

  --component C what is mutated: the core (default), or kapp: the reader of packages, the loader and the store
  --sample N    so many mutants, spread over the files by their size (default 150)
  --seed S      which ones (default 1); the same number gives the same mutants of the same sources
  --file NAME   of this source of the component alone
  --again       try the survivors of former runs once more, nothing else
  --list        print the mutants, try none
  --seeds T     seeds of torture per mutant (default 16)

Each mutant is one changed line in a copy of the sources in the build folder. Torture runs first, then the tests that share a word
with the file's name, then all unit, regression and specification tests in the simulator and the scenarios with few seeds; the
first failure kills it, and so does running out of time. Torture installs no packages: mutants of kapp are left to the tests of its
own, the corpora of the fuzzers among them. A mutant that does not compile, or compiles to the same code, is none.
tests/torture/mutants_reviewed.tsv lists survivors that were looked at and make no difference that a test could see, with the reason
for each; they do not count.

Results are kept in build/mutants/results*.jsonl: a run that is interrupted goes on where it was. Survivors are listed at the end.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

# Of what the mutants are, whether torture has it, and which tests can know of it.
Component = collections.namedtuple("Component", "sources torture tests")
COMPONENTS = {
    "system": Component("components/system/src", True,
                        r"^(unit|regression|spec)\.\w+\.sim$|^(unit|regression)\.\w+$|^scenario\.\w+\.sim$"),
    "kapp": Component("components/kapp/src", False,
                      r"^fuzz\.(package|manifest|elf)$|^unit\.(kapp|app|data)_\w+?(\.sim)?$|^abi\.\w+\.sim$|^sdk\.\w+(\.sim)?$|"
                      r"^scenario\.(app\w*|crash_containment\w*)\.sim$"),
}
COPIED = ["apps", "bench", "boards", "components", "host", "main", "sdk", "tests", "tools", "kraken", "sdkconfig.defaults",
          "partitions.csv", "CMakeLists.txt", "README.md", "docs"]
TIMEOUT = 150
FEW_SEEDS = "4"
# Not of this configuration, or nothing but texts for people to read.
LEFT_OUT = re.compile(r"(_none|_text|flight_text)\.c$")
# A line that only tells, declares or is resolved by the compiler.
IDLE = re.compile(r"ESP_LOG|_Static_assert|^\s*(//|/\*|\*|#)|^\s*(static|extern|typedef|struct|return;|break;|continue;|case |default:)")
CALL = re.compile(r"^\s+(\(void\))?[A-Za-z_][\w>.\[\]-]*\([^;]*\);$")
ASSIGNMENT = re.compile(r"^\s+\*?[A-Za-z_(][\w>.\[\]()-]*\s*([-+|&]?=|<<=)\s[^;]*;$|^\s+\*?[\w>.\[\]()-]+(\+\+|--);$")
CONDITION = re.compile(r"^(\s+(?:\} else )?if \()(.*)(\) \{)$")
SWAPS = [("==", "!="), ("!=", "=="), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), ("&&", "||"),
         ("||", "&&"), (" + ", " - "), (" - ", " + "), ("true", "false"), ("false", "true")]

Mutant = collections.namedtuple("Mutant", "file line kind old new")


def code_of(line):
    """Without a comment or text at its end."""
    return re.sub(r'"(\\.|[^"\\])*"', lambda m: '"' + "~" * (len(m.group(0)) - 2) + '"', line.split(" /*")[0].split(" //")[0])


def mutants_of(name, text):
    found = []
    comment = False
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        begins = "/*" in line and "*/" not in line
        if comment or begins:
            comment = "*/" not in line if comment else begins
            continue
        code = code_of(line)
        inside = depth > 0
        depth += code.count("{") - code.count("}")
        if not inside or IDLE.search(line):
            continue
        add = lambda kind, new: found.append(Mutant(name, number, kind, line, new))
        indent = line[:len(line) - len(line.lstrip())]
        if CALL.match(code) and not code.strip().startswith(("return", "sizeof")):
            add("drop", indent + ";")
        elif ASSIGNMENT.match(code) and not re.match(r"^\s+(const|u?int\w+|unsigned|bool|size_t|esp_err_t)\b", code):
            add("drop", indent + ";")
        condition = CONDITION.match(code)
        if condition and condition.group(2).count("(") == condition.group(2).count(")"):
            at = len(condition.group(1))
            add("flip", line[:at] + "!(" + line[at:at + len(condition.group(2))] + ")" + line[at + len(condition.group(2)):])
        for old, new in SWAPS:
            for match in re.finditer(r"\b%s\b" % old if old.isalpha() else re.escape(old), code):
                add("swap", line[:match.start()] + new + line[match.end():])
        for match in re.finditer(r"(?<![\w.])(\d+)(?=u?\b)(?![\w.]*\w*%)", code):
            if re.search(r"%\"?$", code[:match.start()]):
                continue
            value = int(match.group(1))
            add("constant", line[:match.start()] + str(value + 1 if value != 1 else 0) + line[match.end():])
    return found


def all_mutants(root, only, component="system"):
    found = {}
    for path in sorted((root / COMPONENTS[component].sources).glob("*.c")):
        if not LEFT_OUT.search(path.name) and only in (None, path.name):
            found[path.name] = mutants_of(path.name, path.read_text())
    return found


def sample(found, count, seed):
    """Some of every file, as many as its share; in an order that covers all files early."""
    total = sum(len(mutants) for mutants in found.values())
    chosen = []
    for name, mutants in found.items():
        if not mutants:
            continue
        share = max(1, round(count * len(mutants) / total))
        picked = random.Random(f"{seed} {name}").sample(mutants, min(share, len(mutants)))
        chosen += [((n + 0.5) / len(picked), name, mutant) for n, mutant in enumerate(picked)]
    return [mutant for _, _, mutant in sorted(chosen)]


def copy(source, target):
    """Bring a copy up to date, file by file, so that only what changed is built again. Mutants may leave things unused, and nobody
    debugs them: the copy of the build has neither -Werror nor -g."""
    for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        content = path.read_bytes()
        if path.name == "flavours.cmake":
            content = re.sub(rb"(?<![\w-])-(Werror|g)(?=[\s)])", b"", content)
        to = target / path.relative_to(source) if source.is_dir() else target
        if to.exists() and to.read_bytes() == content:
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(content)
        shutil.copymode(path, to)
    if source.is_dir() and target.is_dir():
        for path in sorted(target.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and not (source / path.relative_to(target)).exists():
                path.unlink()


class Workshop:
    """The copy of the sources, its build, and how a mutant is tried in it."""

    def __init__(self, root, folder, seeds, component):
        self.root, self.folder, self.seeds, self.component = root, folder, seeds, component
        self.of = COMPONENTS[component]
        self.tree, self.build = folder / "tree", folder / "host"
        self.environment = dict(os.environ, KRAKEN_SEEDS=FEW_SEEDS)
        self.tests = []

    def run(self, command, timeout=TIMEOUT, **more):
        """@return exit status, or None: it took too long"""
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                   env=self.environment, **more)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None

    def must(self, what, command):
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment, check=False)
        if result.returncode != 0:
            sys.exit(f"mutants: {what} failed:\n{result.stdout.decode(errors='replace')[-3000:]}")

    def ninja(self, *targets):
        return self.run(["ninja", "-C", str(self.build), "-j", os.environ.get("KRAKEN_JOBS", "2"), *targets], 900)

    def prepare(self):
        self.tree.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            copy(self.root / name, self.tree / name)
        # Mutants may leave things unused, and nobody debugs them.
        if not (self.build / "build.ninja").exists():
            self.must("configuring", ["cmake", "-S", str(self.tree / "host"), "-B", str(self.build), "-G", "Ninja",
                                      "-DKRAKEN_FLAVOUR=host", "-DCMAKE_C_COMPILER=gcc-12", "-DCMAKE_CXX_COMPILER=g++-12"])
        print("mutants: building what they are tried with ...", flush=True)
        self.must("the build", ["ninja", "-C", str(self.build), "-j", os.environ.get("KRAKEN_JOBS", "2"), "all"])
        listed = json.loads(subprocess.run(["ctest", "--test-dir", str(self.build), "--show-only=json-v1"],
                                           stdout=subprocess.PIPE, check=True).stdout)
        wanted = re.compile(self.of.tests)
        for test in listed["tests"]:
            command = test.get("command", [])
            if wanted.match(test["name"]) and command and command[0].startswith(str(self.build)):
                self.tests.append((test["name"], self.fewer(command)))

    @staticmethod
    def fewer(command):
        command = list(command)
        if "--seeds" in command:
            command[command.index("--seeds") + 1] = FEW_SEEDS
        return command

    def object_of(self, name):
        return next(self.build.glob(f"esp-idf/{self.component}/**/{name}.o"))

    def torture(self):
        return [str(self.build / "tests" / "torture"), "--seeds", str(self.seeds), "--no-shrink"]

    def by_relevance(self, name):
        words = set(re.split(r"[_.]", name)) - {"c", "event", "service", "system", "kapp"}
        score = lambda test: -len(words & set(re.split(r"[_.]", test[0])))
        return sorted(self.tests, key=score)

    def tell(self, mutant):
        """@return (verdict, what killed it)"""
        path = self.tree / self.of.sources / mutant.file
        original = path.read_text()
        lines = original.splitlines(keepends=True)
        target = self.object_of(mutant.file)
        before = self.stripped(target)
        lines[mutant.line - 1] = mutant.new + "\n"
        path.write_text("".join(lines))
        try:
            if self.ninja(str(target.relative_to(self.build))) != 0:
                return "no mutant", "does not compile"
            if self.stripped(target) == before:
                return "no mutant", "the same code"
            return self.tried(mutant)
        finally:
            path.write_text(original)
            self.ninja(str(target.relative_to(self.build)))

    @staticmethod
    def stripped(path):
        text = subprocess.run(["objdump", "-s", "-r", path.name], stdout=subprocess.PIPE, cwd=path.parent, check=True).stdout
        return hashlib.sha256(text).digest()

    def tried(self, mutant):
        if self.of.torture:
            if self.ninja("torture") != 0:
                return "no mutant", "does not link"
            status = self.run(self.torture())
            if status != 0:
                return "killed", "torture" if status is not None else "torture: out of time"
        tests = self.by_relevance(mutant.file)
        built = {pathlib.Path(command[0]).name for _, command in tests}
        first = [pathlib.Path(command[0]).name for _, command in tests[:8]]
        for group in (first, sorted(built - set(first))):
            self.ninja("-k", "0", *group)
            for name, command in tests:
                if pathlib.Path(command[0]).name not in group:
                    continue
                status = self.run(command)
                if status != 0:
                    return "killed", name if status is not None else f"{name}: out of time"
        return "survived", ""


def key_of(mutant):
    return hashlib.sha256("\0".join([mutant.file, mutant.kind, mutant.old, mutant.new, str(mutant.line)]).encode()).hexdigest()[:16]


def load(path):
    results = {}
    if path.exists():
        for line in path.read_text().splitlines():
            result = json.loads(line)
            results[result["key"]] = result
    return results


def reviewed(root):
    """{(file, old, new): why}"""
    found = {}
    for line in (root / "tests/torture/mutants_reviewed.tsv").read_text().splitlines():
        if line and not line.startswith("#"):
            file, old, new, why = line.split("\t")
            found[file, old, new] = why
    return found


def report(results, known, sources):
    for result in results:
        if result["verdict"] == "survived" and (result["file"], result["old"].strip(), result["new"].strip()) in known:
            result["verdict"] = "reviewed"
    verdicts = collections.Counter(result["verdict"] for result in results)
    by = collections.Counter("torture" if result["by"].startswith("torture") else "tests" for result in results
                             if result["verdict"] == "killed")
    real = verdicts["killed"] + verdicts["survived"]
    print(f"\n{real} mutants, {verdicts['killed']} killed ({by['torture']} by torture, {by['tests']} by tests), "
          f"{verdicts['survived']} survived: {100.0 * verdicts['killed'] / real if real else 0:.1f} %; "
          f"{verdicts['no mutant']} more were none, {verdicts['reviewed']} make no difference (tests/torture/mutants_reviewed.tsv)")
    for result in sorted(results, key=lambda r: (r["file"], r["line"])):
        if result["verdict"] == "survived":
            print(f"  {sources}/{result['file']}:{result['line']}: {result['kind']}\n    - {result['old'].strip()}\n"
                  f"    + {result['new'].strip()}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--component", choices=sorted(COMPONENTS), default="system")
    parser.add_argument("--file")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    options = parser.parse_args()
    sources = COMPONENTS[options.component].sources
    found = all_mutants(options.root, options.file, options.component)
    if not any(found.values()):
        sys.exit(f"mutants: no source {options.file} in {sources}")
    chosen = sample(found, options.sample, options.seed)
    folder = options.build / "mutants"
    log = folder / ("results.jsonl" if options.component == "system" else f"results_{options.component}.jsonl")
    results = load(log)
    if options.again:
        everything = {key_of(mutant): mutant for mutants in found.values() for mutant in mutants}
        chosen = [everything[key] for key, result in results.items() if result["verdict"] == "survived" and key in everything]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.file}:{mutant.line}: {mutant.kind}\n  - {mutant.old.strip()}\n  + {mutant.new.strip()}")
        print(f"{len(chosen)} of {sum(len(m) for m in found.values())}")
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(options.root, folder, options.seeds, options.component)
    workshop.prepare()
    if workshop.of.torture and workshop.run(workshop.torture()) != 0:
        sys.exit("mutants: torture fails without any")
    started = time.monotonic()
    for number, mutant in enumerate(chosen, 1):
        key = key_of(mutant)
        if key in results and not options.again:
            continue
        verdict, by = workshop.tell(mutant)
        results[key] = dict(mutant._asdict(), key=key, verdict=verdict, by=by)
        with log.open("a") as out:
            out.write(json.dumps(results[key]) + "\n")
        print(f"{number} of {len(chosen)}, {time.monotonic() - started:.0f} s: {mutant.file}:{mutant.line} {mutant.kind}: "
              f"{verdict}{' by ' + by if by else ''}", flush=True)
    report([dict(results[key_of(mutant)]) for mutant in chosen], reviewed(options.root), sources)
    return 0


if __name__ == "__main__":
    sys.exit(main())
