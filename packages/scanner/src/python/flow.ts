import { variableTags } from "../syntax/effects.ts";
import { tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";
import { pythonStatements, type Statement } from "./statements.ts";

export type PythonSink = "code" | "run" | "send" | "resolve" | "write" | "remove" | "load";

export interface PythonCall {
  readonly start: number;
  readonly sink: PythonSink;
  readonly name: string;
  readonly tags: number;
  readonly topics: number;
  /** The statement, with its strings put back. */
  readonly text: string;
  /** Tags of conditions around it. */
  readonly guards: number;
}

const sources: readonly (readonly [RegExp, number])[] = [
  [
    /\bos\.environ\b(?!\.get\(|\[)|\bos\.environb?\.(?:items|copy|values)|\bdict\(os\.environ|\benviron\b\s*(?:\)|,|$)/u,
    tag.environment,
  ],
  [/\bos\.(?:getenv|environ(?:\.get\(|\[))/u, tag.variable],
  [
    /\bb(?:ase)?64\.|\bb(?:16|32|64|85)decode|\bbinascii\.|\bcodecs\.decode|\bzlib\.|\bgzip\.|\blzma\.|\bbz2\.|\bmarshal\.|\bbytes\.fromhex|\bfromhex\(|\bchr\(|\bmap\(\s*chr\b|\bFernet\(|\bAES\.|\bpickle\.|\bunhexlify|\bdecompress\(|\brot_?13|\[::\s*-1\s*\]|\.translate\(|\bcipher/u,
    tag.decoded,
  ],
  [
    /\burllib|\brequests\.|\burlopen|\bhttpx\.|\baiohttp|\.recv\(|\bsocket\.socket|\bhttp\.client|\burlretrieve|\bdns\.resolver|\bhttplib|\bhttp\.request|\.read\(\)\.decode\(\)/u,
    tag.remote,
  ],
  [/\bopen\(|\.read_text\(|\.read_bytes\(|\bPath\(/u, tag.file],
  [/\bos\.listdir|\bos\.walk|\bglob\.|\.rglob\(|\.iterdir\(|\bos\.scandir/u, tag.listing],
  [
    /\bplatform\.node|\bsocket\.gethostname|\bgetpass\.getuser|\bos\.getlogin|\buuid\.getnode|\bplatform\.uname|\bgetfqdn/u,
    tag.identity,
  ],
  [/\blocale\.get|\btime\.tzname|\btzlocal|\btimezone\b|\bgetdefaultlocale/u, tag.locale],
  [/\bdatetime\.|\btime\.time\(/u, tag.clock],
  [/\bpyperclip\.paste|\bclipboard_get|\bGetClipboardData|\bwin32clipboard/u, tag.clipboard],
  [/\bpynput|\bkeyboard\.(?:on_press|read|record|hook)|\bGetAsyncKeyState/u, tag.keystroke],
  [/\bImageGrab|\bmss\(|\bpyautogui\.screenshot/u, tag.surveillance],
  [/\bkeyring\.get|\bCryptUnprotectData|\bsecretstorage/u, tag.secret],
  [/\bcheck_output|\bgetoutput|\bPopen\(|\bos\.popen/u, tag.output],
  [/\bsys\.gettrace|\bTracerPid|\bIsDebuggerPresent/u, tag.watcher],
  [/\bPIL\b|\bImage\.open|\.getpixel|\bgetdata\(/u, tag.media],
];

const sinks: readonly (readonly [RegExp, PythonSink])[] = [
  [
    /(?<![\w.])(?:exec|eval|compile|execfile)\s*\(|\b(?:builtins|__builtins__)\s*(?:\.|\[)|\bgetattr\(\s*(?:__builtins__|builtins|__import__\(|sys\.modules)|\btypes\.(?:FunctionType|CodeType)\(|\bmarshal\.loads\(|\bpickle\.loads?\(|\bcode\.interact|\bimportlib\.util\.module_from_spec|\brunpy\.run/u,
    "code",
  ],
  [
    /\bos\.(?:system|popen|exec[lv]\w*|spawn\w*|startfile|posix_spawn)\s*\(|\bsubprocess\.\w+\s*\(|(?<![\w.])(?:Popen|check_output|check_call|getoutput|call|run)\s*\(|\bpty\.spawn|\bcommands\.getoutput|\bctypes\.\w+\.(?:WinExec|ShellExecute\w*)/u,
    "run",
  ],
  [
    /\burlopen\s*\(|\brequests\.\w+\s*\(|\bhttpx\.\w+\s*\(|\burllib\.request\.\w+\s*\(|\.send(?:all|to)?\s*\(|\bsmtplib|\bsendmail\(|\bHTTPS?Connection\(|\.request\s*\(|\burlretrieve\s*\(|\bftplib|\bparamiko|\bwebsockets?\.\w+\(|\bsession\.(?:post|get|put)\s*\(|\.connect\s*\(\s*\(/u,
    "send",
  ],
  [/\bsocket\.gethostby\w+\s*\(|\bgetaddrinfo\s*\(|\bresolver\.(?:resolve|query)\s*\(/u, "resolve"],
  [
    /\.write(?:_text|_bytes)?\s*\(|\bopen\([^)]*,\s*\u0001\d+\u0002|\bshutil\.copy\w*\s*\(|\bos\.(?:symlink|link|rename|replace)\s*\(/u,
    "write",
  ],
  [/\bshutil\.rmtree\s*\(|\bos\.(?:remove|unlink|rmdir|removedirs)\s*\(/u, "remove"],
  [/\b__import__\s*\(|\bimportlib\.(?:import_module|reload)\s*\(|\bctypes\.(?:CDLL|WinDLL|cdll|windll)/u, "load"],
];

/**
 * Follows data through Python by its statements alone: a name holds the tags of every statement that
 * assigned it, a call carries the tags of its statement and of the names in it. Blocks inherit the
 * tags of the conditions that they stand under. Two passes, linear in the text.
 */
export function pythonCalls(text: string): PythonCall[] {
  const statements = withoutAliases(pythonStatements(text));
  const names = new Map<string, number>();
  const constants = new Map<string, number>();
  for (let pass = 0; pass < 2; pass += 1) for (const statement of statements) learn(statement, names, constants);
  const calls: PythonCall[] = [];
  const guards: { readonly indent: number; readonly tags: number }[] = [];
  for (const statement of statements) {
    while (guards.length > 0 && (guards.at(-1)?.indent ?? 0) >= statement.indent) guards.pop();
    const tags = tagsOf(statement, names);
    if (/^(?:if|elif|while)\b/u.test(statement.code)) {
      const leaves = /:\s*(?:return|sys\.exit|exit|raise|os\._exit)\b/u.test(statement.code);
      guards.push({ indent: leaves ? Math.max(-1, statement.indent - 1) : statement.indent, tags });
    }
    if (calls.length > 5000) break;
    for (const [pattern, sink] of sinks) {
      const found = pattern.exec(statement.code);
      if (found === null) continue;
      const whole = restore(statement);
      calls.push({
        start: statement.start,
        sink,
        name: found[0].replace(/\s*\($/u, ""),
        tags,
        topics: topicsIn(statement, constants),
        text: whole,
        guards: guards.reduce((sum, guard) => sum | guard.tags, 0),
      });
    }
  }
  return calls;
}

const ALIAS = /\bimport\s+([\w.]+)\s+as\s+(\w+)|^from\s+([\w.]+)\s+import\s+(\w+)\s+as\s+(\w+)/u;

/** `import subprocess as s` hides nothing: the names of modules are put back. */
function withoutAliases(statements: readonly Statement[]): readonly Statement[] {
  const aliases = new Map<string, string>();
  for (const { code } of statements) {
    const found = ALIAS.exec(code);
    const alias = found?.[2] ?? found?.[5];
    const meant = found?.[1] ?? (found?.[3] === undefined ? undefined : `${found[3]}.${found[4] ?? ""}`);
    if (alias !== undefined && meant !== undefined && aliases.size < 100) aliases.set(alias, meant);
  }
  if (aliases.size === 0) return statements;
  return statements.map((statement) => ({
    ...statement,
    code: statement.code.replaceAll(/(?<![\w.])[A-Za-z_]\w*(?=\s*[.(])/gu, (name) => aliases.get(name) ?? name),
  }));
}

const ASSIGNMENT = /^(?:global\s+)?([\w.]+)(?:\s*,\s*([\w.]+))?(?:\s*:\s*[\w[\], .]+)?\s*(?:\+|\^)?=(?!=)/u;

function learn(statement: Statement, names: Map<string, number>, constants: Map<string, number>): void {
  const tags = tagsOf(statement, names);
  const targets: string[] = [];
  const assignment = ASSIGNMENT.exec(statement.code);
  if (assignment !== null)
    for (const name of [assignment[1], assignment[2]]) if (name !== undefined) targets.push(name);
  for (const found of statement.code.matchAll(/\b(?:as|for)\s+(\w+)(?:\s*,\s*(\w+))?/gu))
    for (const name of [found[1], found[2]]) if (name !== undefined) targets.push(name);
  const grown = /^([\w.]+)\.(?:append|extend|update|write|add)\s*\(/u.exec(statement.code);
  if (grown?.[1] !== undefined) targets.push(grown[1]);
  if (names.size > 20_000) return;
  const topics = topicsIn(statement, constants);
  for (const target of targets) {
    names.set(target, (names.get(target) ?? 0) | tags);
    if (topics !== 0) constants.set(target, (constants.get(target) ?? 0) | topics);
  }
  // What a function returns is what calling it gives.
  const from = /^def\s+(\w+)/u.exec(statement.code);
  if (from?.[1] !== undefined && tags !== 0) names.set(from[1], (names.get(from[1]) ?? 0) | tags);
}

function tagsOf(statement: Statement, names: ReadonlyMap<string, number>): number {
  let tags = 0;
  for (const [pattern, bits] of sources) if (pattern.test(statement.code)) tags |= bits;
  for (const found of statement.code.matchAll(/[A-Za-z_]\w*(?:\.\w+)?/gu)) {
    const [name] = found;
    tags |= (names.get(name) ?? 0) | (names.get(name.split(".", 1)[0] ?? "") ?? 0);
  }
  // A token in an authorization header goes to the service that it belongs to.
  const { strings } = statement;
  if ((tags & tag.variable) !== 0 && !strings.some((text) => /authorization|x-api-key|bearer/iu.test(text)))
    for (const text of strings) tags |= variableTags(text) & tag.secretVariable;
  const paths = statement.strings.reduce((sum, text) => sum | topicsOf(text), 0);
  if ((tags & tag.file) !== 0) {
    if ((paths & (topic.credentialPath | topic.walletPath)) !== 0) tags |= tag.credential;
    if ((paths & topic.browserPath) !== 0) tags |= tag.browser;
    if ((paths & topic.media) !== 0) tags |= tag.media;
  }
  return tags;
}

function topicsIn(statement: Statement, constants: ReadonlyMap<string, number>): number {
  let topics = topicsOf(statement.strings.join(" ")) | topicsOf(statement.strings.join("/"));
  for (const text of statement.strings) topics |= topicsOf(text);
  for (const found of statement.code.matchAll(/[A-Za-z_]\w*/gu)) topics |= constants.get(found[0]) ?? 0;
  return topics;
}

const restore = (statement: Statement): string =>
  statement.code
    .slice(0, 2000)
    .replaceAll(/\u0001(\d+)\u0002/gu, (_whole, index: string) =>
      JSON.stringify(statement.strings[Number(index)] ?? ""),
    );
