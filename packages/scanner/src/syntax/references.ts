/**
 * One spelling for each well-known object, however the program reached it: `require("node:fs").promises`,
 * `import fs from "fs/promises"` and `graceful-fs` are all `fs`; `window.self.fetch` is `fetch`.
 */

/** Packages that are only another door to a built-in module. */
const aliases = new Map<string, string>([
  ["fs/promises", "fs"],
  ["graceful-fs", "fs"],
  ["fs-extra", "fs"],
  ["original-fs", "fs"],
  ["memfs", "memfs"],
  ["dns/promises", "dns"],
  ["timers/promises", "timers"],
  ["path/posix", "path"],
  ["path/win32", "path"],
  ["upath", "path"],
  ["pathe", "path"],
  ["cross-spawn", "child_process.spawn"],
  ["spawn-sync", "child_process.spawnSync"],
  ["node-fetch", "fetch"],
  ["cross-fetch", "fetch"],
  ["isomorphic-fetch", "fetch"],
  ["process", "process"],
  ["buffer", "buffer"],
  ["module", "module"],
]);

/** The modules that Node brings; names without `node:`. */
export const builtinModules: ReadonlySet<string> = new Set(
  (
    "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain events fs " +
    "http http2 https inspector module net os path perf_hooks process punycode querystring readline repl sea sqlite stream " +
    "string_decoder sys test timers tls trace_events tty url util v8 vm wasi worker_threads zlib"
  ).split(" "),
);

/** The built-in modules that reach outside the program. */
export const powerfulModules: ReadonlySet<string> = new Set(
  "child_process cluster dgram dns fs http http2 https inspector module net os process repl tls v8 vm wasi worker_threads".split(
    " ",
  ),
);

/** `node:fs/promises` → `fs`. */
export function moduleName(specifier: string): string {
  return specifier.startsWith("node:") ? specifier.slice(5) : specifier;
}

/** The reference that importing this specifier gives; nothing for the package's own files. */
export function moduleRef(specifier: string): string | undefined {
  if (specifier === "" || specifier.length > 200 || specifier.startsWith(".") || specifier.startsWith("/"))
    return undefined;
  const name = moduleName(specifier);
  return aliases.get(name) ?? name;
}

const globalObjects: ReadonlySet<string> = new Set([
  "globalThis",
  "window",
  "self",
  "global",
  "frames",
  "GLOBAL",
  "unsafeWindow",
]);

export function globalRef(name: string): string {
  return globalObjects.has(name) ? "globalThis" : name;
}

/** Members that change nothing about which object is meant. */
const transparent: ReadonlySet<string> = new Set(["default", "promises", "__esModule"]);

/** Members of unknown objects (such as a plugin's context) whose name alone says what they do. */
const telling: ReadonlySet<string> = new Set(
  (
    "secrets secret vault keychain keytar credentials clipboard cookies http https net network fetch request axios xhr shell exec spawn " +
    "process mainModule env sendBeacon webContents executeJavaScript ethereum solana contentWindow contentDocument " +
    "constructor __proto__ prototype caller callee getBuiltinModule binding dlopen _load _extensions _compile innerHTML " +
    "outerHTML getUserMedia getDisplayMedia localStorage sessionStorage cookie permissions registry"
  ).split(" "),
);

/** What a fresh frame still has as it was made, whatever this page has restricted. */
const UNTOUCHED: ReadonlySet<string> = new Set([
  "eval",
  "Function",
  "fetch",
  "XMLHttpRequest",
  "localStorage",
  "WebSocket",
]);

const cache = new Map<string, Map<string, string | undefined>>();
const MAX_CACHED = 20_000;
let cached = 0;

/** The reference of a member of a referenced object (`?` stands for an unknown object). */
export function memberRef(parent: string | undefined, name: string): string | undefined {
  if (parent === undefined) return telling.has(name) ? `?.${name}` : undefined;
  const known = cache.get(parent);
  if (known?.has(name)) return known.get(name);
  const ref = computeMember(parent, name);
  if (cached > MAX_CACHED) {
    cache.clear();
    cached = 0;
  }
  let members = cache.get(parent);
  if (members === undefined) {
    members = new Map();
    cache.set(parent, members);
  }
  members.set(name, ref);
  cached += 1;
  return ref;
}

function computeMember(parent: string, name: string): string | undefined {
  if (parent === "globalThis") return globalRef(name);
  if (name === "default" || (name === "promises" && (parent === "fs" || parent === "dns"))) return parent;
  if (transparent.has(name) && name === "__esModule") return undefined;
  if (parent.length > 120) return undefined;
  if ((parent === "document" && name === "defaultView") || name === "contentWindow")
    return name === "contentWindow" ? "contentWindow" : "globalThis";
  if (parent === "contentWindow") return UNTOUCHED.has(name) ? `contentWindow.${name}` : name;
  if (parent === "module" && name === "Module") return "module";
  if (parent === "crypto" && name === "webcrypto") return "crypto";
  return `${parent}.${name}`;
}
