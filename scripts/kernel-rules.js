// Writes the tables of "Rules" in src/kernel/README.md: which function enforces a rule, which checker recomputes it,
// which test breaks it, and how far its small cases were tried. Names that do not exist are errors.
//
//   node scripts/kernel-rules.js            writes the section
//   node scripts/kernel-rules.js --check    compares it, exit code 1 when it differs
//
// Sources: tests/kernel/rules.json (rules and who enforces them), the comments of the code ("KER-n  sentence"), the
// tests, and tests/kernel/exhaustive/counts.json (bounds and states of the long run).

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const PAGE = join(ROOT, "src/kernel/README.md");
const [START, END] = ["<!-- rules: npm run rules -->", "<!-- end of rules -->"];

const problems = [];
const read = (path) => readFileSync(join(ROOT, path), "utf8");
const filesOf = (folder, pattern) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((name) => pattern.test(name) && !name.includes("/schema/"))
    .sort();

const sources = [...filesOf("src/kernel", /\.ts$/), ...filesOf("src/mmu", /\.ts$/)].map((path) => ({
  path,
  text: read(path),
}));
const tests = [...filesOf("tests/kernel", /\.test\.ts$/), ...filesOf("tests/mmu", /\.test\.ts$/)].map(
  (path) => ({ path, text: read(path) }),
);
const counts = JSON.parse(read("tests/kernel/exhaustive/counts.json"));
const rules = JSON.parse(read("tests/kernel/rules.json"));

const STATED = /^[ \t/*]*((?:KER|MMU)-\d+) {2,}(\S.*)$/;

/** Every id with its sentence and the file that states it. */
function statements() {
  const found = new Map();
  for (const { path, text } of [...sources, ...tests]) {
    const lines = text.split("\n");
    for (const [at, line] of lines.entries()) {
      const match = STATED.exec(line);
      if (match === null || found.has(match[1])) continue;
      let sentence = match[2];
      for (let next = at + 1; next < lines.length && !/\.(\s|$)/.test(sentence); next++) {
        const more = lines[next].replace(/^[ \t/*]+/, "").replace(/\s*\*\/\s*$/, "");
        if (more === "" || STATED.test(lines[next])) break;
        sentence += ` ${more}`;
      }
      sentence = sentence.replace(/\s*\*\/\s*$/, "");
      found.set(match[1], { path, sentence: /^.*?\.(?=\s|$)/.exec(sentence)?.[0] ?? sentence });
    }
  }
  return found;
}

/** The test files that break a rule: a title or a row that begins with its id. */
const sabotageOf = (id) =>
  tests
    .filter(({ text }) => new RegExp(`(?:test|describe)\\("${id}\\b|\\["${id}",|\\[\\s*"${id}",`).test(text))
    .map(({ path }) => path);

const isDefined = (text, name) =>
  new RegExp(
    `(?:^|[\\s.])(?:function\\s+)?${name.replace("#", "\\#")}(?:<[^>]*>)?\\s*\\(|const ${name.replace("#", "\\#")}\\b`,
    "m",
  ).test(text);

function enforcer(entry) {
  const [path, name] = entry.split(" ");
  if (!isDefined(read(path), name)) problems.push(`${path} has no ${name}`);
  return `\`${name.replace("#", "")}\` in ${path.replace("src/", "")}`;
}

function bound(names) {
  if (names.length === 0) return "";
  return names
    .map((name) => {
      if (counts[name] === undefined) problems.push(`no counts of ${name}`);
      return name;
    })
    .join(", ");
}

const row = (...cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const short = (path) => path.replace("tests/", "");

function render() {
  const stated = statements();
  const ids = new Set();
  for (const { text } of sources) for (const id of text.match(/\b(?:KER|MMU)-\d+\b/g) ?? []) ids.add(id);
  for (const { checkers } of rules) for (const id of checkers) ids.add(id);
  const order = (id) => (id.startsWith("KER") ? 0 : 1000) + Number(id.slice(4));
  const lines = ["Each rule of memory authority and of handles, who enforces it, and what is checked:", ""];
  lines.push(row("Rule", "Enforced by", "Checkers", "Broken in", "Explored"), row(...Array(5).fill("---")));
  for (const rule of rules) {
    lines.push(
      row(
        `${rule.rule}: ${rule.text}`,
        rule.enforced.map(enforcer).join(", "),
        rule.checkers.join(", "),
        [...new Set(rule.checkers.flatMap(sabotageOf))].map(short).join(", "),
        bound(rule.exhaustive),
      ),
    );
  }
  lines.push("", "Each checker recomputes its rule, and a test breaks it on purpose:", "");
  lines.push(row("Id", "Rule", "Checked in", "Broken in"), row("---", "---", "---", "---"));
  for (const id of [...ids].sort((a, b) => order(a) - order(b))) {
    const statement = stated.get(id);
    const sabotage = sabotageOf(id);
    if (statement === undefined) problems.push(`${id} is stated nowhere ("${id}  sentence")`);
    if (sabotage.length === 0) problems.push(`no test breaks ${id}`);
    const where = (statement?.path ?? "").replace("src/", "").replace("tests/", "tests/");
    lines.push(row(id, statement?.sentence ?? "", where, sabotage.map(short).slice(0, 2).join(", ")));
  }
  lines.push("", "What was explored, on the real code (`npm run check:exhaustive`):", "");
  lines.push(
    row("Name", "Bound", "States", "Transitions", "Seconds"),
    row("---", "---", "--:", "--:", "--:"),
  );
  let states = 0;
  for (const [name, count] of Object.entries(counts)) {
    states += count.states;
    const number = (value) => value.toLocaleString("en-US");
    lines.push(
      row(name, count.bound, number(count.states), number(count.transitions), String(count.seconds)),
    );
  }
  lines.push(
    "",
    `${states.toLocaleString("en-US")} distinct states altogether, without a broken rule. Seconds are of one run on a busy two-core machine.`,
  );
  return lines.join("\n");
}

const section = `${START}\n\n${render()}\n\n${END}`;
const page = readFileSync(PAGE, "utf8");
const [from, to] = [page.indexOf(START), page.indexOf(END)];
if (from < 0 || to < from) problems.push(`src/kernel/README.md has no "${START}" before "${END}"`);
const wanted = from < 0 ? page : page.slice(0, from) + section + page.slice(to + END.length);
if (problems.length > 0) {
  for (const problem of problems) console.error(`rules: ${problem}`);
  process.exitCode = 1;
} else if (process.argv.includes("--check")) {
  if (wanted !== page) {
    console.error("rules: src/kernel/README.md is not what the code and the tests say; run npm run rules");
    process.exitCode = 1;
  }
} else if (wanted !== page) {
  writeFileSync(PAGE, wanted);
}
