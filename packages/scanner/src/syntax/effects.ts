import { tag } from "./tags.ts";

/** What happens to the data that is handed to a call. */
export type SinkKind =
  | "send"
  | "resolve"
  | "code"
  | "load"
  | "run"
  | "write"
  | "remove"
  | "wasm"
  | "clipboard"
  | "listen"
  | "publish";

/** What calling a well-known function does, as far as data is concerned. */
export interface Effect {
  readonly sink?: SinkKind;
  /** Tags of the result. */
  readonly gives?: number;
  /** What the result is, as a reference. */
  readonly becomes?: string;
  /** The result is made from the arguments. */
  readonly passes?: boolean;
  /** Tags that callbacks among the arguments receive; `gives` where it is not said. */
  readonly calls?: number;
}

const table = new Map<string, Effect>();

function define(names: string, effect: Effect): void {
  for (const name of names.split(" ")) table.set(name, effect);
}

/** `fs.` before each of the names. */
function under(prefix: string, names: string, effect: Effect): void {
  for (const name of names.split(" ")) table.set(`${prefix}.${name}`, effect);
}

// The network, going out.
const http: Effect = { sink: "send", gives: tag.remote, becomes: "#sender" };
define("fetch ?.fetch ?.request undici.fetch undici.request undici.stream undici.pipeline Bun.fetch", {
  sink: "send",
  gives: tag.remote,
});
for (const module of ["http", "https", "http2"]) under(module, "get request connect", http);
for (const client of [
  "axios",
  "got",
  "request",
  "superagent",
  "needle",
  "ky",
  "phin",
  "bent",
  "ofetch",
  "wretch",
  "jQuery",
  "$",
  "?.http",
  "?.https",
  "?.axios",
  "?.net",
  "?.network",
  "minipass-fetch",
  "make-fetch-happen",
  "centra",
  "urllib",
  "node-libcurl",
  "?.xhr",
]) {
  under(client, "get post put patch head options delete request send fetch stream upload ajax getJSON", {
    sink: "send",
    gives: tag.remote,
    becomes: "#sender",
  });
}
define(
  "axios got request superagent needle ky phin bent ofetch wretch minipass-fetch make-fetch-happen centra urllib axios.default",
  {
    sink: "send",
    gives: tag.remote,
    becomes: "#sender",
  },
);
define("navigator.sendBeacon ?.sendBeacon", { sink: "send" });
define(
  "WebSocket ws ws.WebSocket EventSource socket.io-client socket.io-client.io socket.io-client.connect io websocket.client eventsource WebTransport",
  {
    sink: "send",
    gives: tag.remote,
    becomes: "#sender",
  },
);
define("XMLHttpRequest xmlhttprequest.XMLHttpRequest xhr2", { becomes: "#sender", gives: tag.remote });
define("net.connect net.createConnection tls.connect", { sink: "send", gives: tag.remote, becomes: "#socket" });
define("net.Socket tls.TLSSocket", { gives: tag.remote, becomes: "#socket" });
define("dgram.createSocket", { becomes: "#socket", gives: tag.remote });
define("RTCPeerConnection webkitRTCPeerConnection", { sink: "send", becomes: "#peer", gives: tag.remote });
define("#peer.createDataChannel", { sink: "send", becomes: "#sender", gives: tag.remote });
under("#peer", "setLocalDescription setRemoteDescription addIceCandidate", { sink: "send" });
under("#sender", "send write end emit post put field attach query set setRequestHeader open", {
  sink: "send",
  becomes: "#sender",
  gives: tag.remote,
});
under("#sender", "on once pipe addEventListener then setEncoding json text arrayBuffer blob catch finally", {
  gives: tag.remote,
  becomes: "#sender",
});
under("#socket", "connect", { sink: "send", becomes: "#socket", gives: tag.remote });
under("#socket", "send write end emit", { sink: "send", gives: tag.remote });
under("#socket", "on once pipe setEncoding unref setKeepAlive", { becomes: "#socket", gives: tag.remote });
define("window.open open", { sink: "send", becomes: "contentWindow" });
define("Buffer.alloc Buffer.allocUnsafe", { becomes: "#bytes" });
define("#bytes.toString", { gives: tag.decoded });
define("location.assign location.replace navigator.registerProtocolHandler", { sink: "send" });
// A public place where anybody can read what is put there, under an account that the code chooses.
define("@octokit/rest.Octokit @octokit/core.Octokit octokit.Octokit", { becomes: "#octokit" });
for (const part of ["#octokit", "#octokit.rest"])
  under(
    part,
    "repos.createOrUpdateFileContents gists.create gists.update issues.create issues.createComment git.createBlob",
    { sink: "send", gives: tag.remote },
  );
define("#octokit.request", { sink: "send", gives: tag.remote });
define("archiver archiver.create adm-zip tar.create tar.c", { becomes: "#archive" });
define("nodemailer.createTransport", { becomes: "#mailer" });
define("#mailer.sendMail", { sink: "send" });
define("fetchLater importScripts $.getScript jQuery.getScript", { sink: "load" });
define("Deno.connect Bun.connect", { sink: "send", gives: tag.remote, becomes: "#socket" });

// Names are data too: whoever runs the domain sees each look-up.
under(
  "dns",
  "lookup resolve resolve4 resolve6 resolveAny resolveTxt resolveCname resolveMx resolveNs resolveSrv resolveSoa reverse lookupService",
  {
    sink: "resolve",
    gives: tag.remote,
  },
);
define("dns.Resolver", { becomes: "dns" });
define("Deno.resolveDns Bun.dns.lookup", { sink: "resolve", gives: tag.remote });
define("native-dns.Request dns-packet.encode dns2", { sink: "resolve" });

// Coming in.
for (const server of [
  "http.createServer",
  "https.createServer",
  "net.createServer",
  "http.Server",
  "tls.createServer",
  "ws.Server",
  "ws.WebSocketServer",
]) {
  define(server, { sink: "listen", calls: tag.remote, becomes: "#server" });
}
under("#server", "on once", { calls: tag.remote, becomes: "#server" });
define("express fastify koa", { becomes: "#app" });
under("#app", "get post put patch delete all use route", { calls: tag.remote, becomes: "#app" });
define("Deno.serve Bun.serve", { sink: "listen", calls: tag.remote });

// Text that becomes code.
define(
  "eval execScript Function AsyncFunction GeneratorFunction ?.constructor.constructor constructor.constructor #function-constructor",
  { sink: "code", gives: 0, passes: true },
);
under("vm", "runInThisContext runInNewContext runInContext compileFunction Script SourceTextModule measureMemory", {
  sink: "code",
  passes: true,
  becomes: "#script",
});
define("vm.createContext vm.isContext", { passes: true });
define(
  "module._compile ?._compile Module._compile #module._compile module.prototype._compile module.exports._compile",
  { sink: "code" },
);
define("module", { becomes: "#module" });
define("module.Module", { becomes: "#module" });
define(
  "contentWindow.eval contentWindow.Function globalThis.eval ?.executeJavaScript ?.webContents.executeJavaScript",
  { sink: "code" },
);
define("ShadowRealm", { becomes: "#realm" });
under("#realm", "evaluate importValue", { sink: "code" });
under("chrome.tabs", "executeScript", { sink: "code" });
under("inspector", "Session", { becomes: "#inspector" });
define("#inspector.post", { sink: "code" });
define("Worker SharedWorker worker_threads.Worker web-worker navigator.serviceWorker.register", { sink: "load" });
define(
  "require module.require require.main.require process.mainModule.require ?.mainModule.require import module._load module.constructor._load ?._load",
  { sink: "load", passes: true },
);
define("module.createRequire", { becomes: "require" });
define("process.getBuiltinModule ?.getBuiltinModule process.binding process._linkedBinding", { sink: "load" });
define("process.dlopen ?.dlopen", { sink: "load" });
define("import-fresh importFresh require-from-string requireFromString esm jiti", { sink: "code" });
define("document.write document.writeln *.createContextualFragment", { sink: "code" });
define("URL.createObjectURL", { passes: true, becomes: "#url" });
define("Blob File", { passes: true });
define("WebAssembly.Memory", { gives: tag.wasm });
under("WebAssembly", "instantiate instantiateStreaming compile compileStreaming Module Instance validate", {
  sink: "wasm",
  gives: tag.wasm,
});

// Commands.
const run: Effect = { sink: "run", gives: tag.output, becomes: "#child" };
under("child_process", "exec execSync execFile execFileSync spawn spawnSync fork", run);
define(
  "execa.execa execa.execaSync execa.execaCommand execa.execaCommandSync execa.$ execa.execaNode execa.command execa zx.$ $ Bun.$ Bun.spawn Bun.spawnSync Deno.Command Deno.run shelljs.exec ?.spawn ?.shell.exec ?.process.exec ?.process.spawn ?.shell ?.shell.run ?.exec.run node-pty.spawn node-cmd.run node-cmd.get sudo-prompt.exec tinyexec tinyexec.x nano-spawn promisify-child-process.spawn",
  run,
);
define("shell.openExternal electron.shell.openExternal", { sink: "send" });
define("shell.openPath electron.shell.openPath cluster.fork cluster.setupPrimary", { sink: "run" });

// Files.
under("fs", "readFile readFileSync createReadStream read readSync readJson readJsonSync readv", { gives: tag.file });
under("fs", "readdir readdirSync opendir opendirSync", { gives: tag.listing });
under(
  "fs",
  "writeFile writeFileSync appendFile appendFileSync createWriteStream outputFile outputFileSync outputJson writeJson writeJsonSync writeJSON copyFile copyFileSync copy copySync cp cpSync rename renameSync symlink symlinkSync link linkSync move moveSync truncate truncateSync",
  { sink: "write", becomes: "#file" },
);
under("fs", "rm rmSync unlink unlinkSync rmdir rmdirSync remove removeSync emptyDir emptyDirSync", { sink: "remove" });
define("rimraf rimraf.rimraf rimraf.sync rimraf.rimrafSync del del.sync shelljs.rm trash", { sink: "remove" });
under("#file", "write end", { sink: "write" });
define(
  "Deno.readTextFile Deno.readFile Deno.readTextFileSync Deno.readFileSync Bun.file vscode.workspace.fs.readFile ?.fs.readFile",
  { gives: tag.file },
);
define(
  "Deno.writeTextFile Deno.writeFile Deno.writeTextFileSync Deno.writeFileSync Bun.write vscode.workspace.fs.writeFile",
  { sink: "write" },
);
define("Deno.remove Deno.removeSync", { sink: "remove" });
under("glob", "glob globSync sync", { gives: tag.listing });
define("glob globby globby.globby globby.globbySync fast-glob fast-glob.sync", { gives: tag.listing });

// What a program can learn.
define("os.homedir", { gives: tag.home });
define("os.hostname os.userInfo os.networkInterfaces", { gives: tag.identity });
define("os.uptime os.loadavg", { gives: tag.watcher });
define("process.getuid process.geteuid", { gives: 0 });
define(
  "getmac macaddress macaddress.one node-machine-id.machineIdSync node-machine-id.machineId public-ip public-ip.publicIpv4 systeminformation.system username",
  { gives: tag.identity },
);
define("vscode.workspace.onDidChangeTextDocument", { calls: tag.keystroke });
under("keytar", "getPassword findPassword findCredentials", { gives: tag.secret });
under("?.secrets", "get getAll read list reveal fetch", { gives: tag.secret });
under("?.secret", "get read reveal", { gives: tag.secret });
under("?.vault", "get read", { gives: tag.secret });
under("?.keychain", "get getPassword read", { gives: tag.secret });
under("?.credentials", "get read", { gives: tag.secret });
define(
  "vscode.authentication.getSession safeStorage.decryptString electron.safeStorage.decryptString navigator.credentials.get ?.credentials.get @primno/dpapi.Dpapi.unprotectData win-dpapi.unprotectData",
  {
    gives: tag.secret,
  },
);
for (const client of [
  "@aws-sdk/client-secrets-manager.SecretsManagerClient",
  "@aws-sdk/client-secrets-manager.SecretsManager",
  "@aws-sdk/client-ssm.SSMClient",
  "@google-cloud/secret-manager.SecretManagerServiceClient",
  "@azure/keyvault-secrets.SecretClient",
  "node-vault",
])
  define(client, { becomes: "#secret-store" });
under(
  "#secret-store",
  "send getSecretValue listSecrets batchGetSecretValue accessSecretVersion getSecret listPropertiesOfSecrets read list",
  { gives: tag.secret },
);
under("localStorage", "getItem key", { gives: tag.browser });
under("sessionStorage", "getItem key", { gives: tag.browser });
under("?.localStorage", "getItem", { gives: tag.browser });
define(
  "indexedDB.open indexedDB.databases cookieStore.getAll cookieStore.get chrome.cookies.getAll chrome.cookies.get browser.cookies.getAll chrome.history.search browser.history.search chrome.storage.local.get chrome.bookmarks.getTree caches.open ?.cookies.getAll ?.cookies.get",
  {
    gives: tag.browser,
  },
);
define(
  "navigator.clipboard.readText navigator.clipboard.read vscode.env.clipboard.readText ?.clipboard.readText ?.clipboard.read electron.clipboard.readText clipboardy.read clipboardy.readSync clipboardy.default.read copy-paste.paste ?.clipboard.paste",
  {
    gives: tag.clipboard,
  },
);
define(
  "navigator.clipboard.writeText navigator.clipboard.write vscode.env.clipboard.writeText ?.clipboard.writeText ?.clipboard.write electron.clipboard.writeText clipboardy.write clipboardy.writeSync copy-paste.copy ?.clipboard.copy",
  {
    sink: "clipboard",
  },
);
define("FormData", { passes: true });
define(
  "navigator.mediaDevices.getUserMedia navigator.mediaDevices.getDisplayMedia navigator.geolocation.getCurrentPosition navigator.geolocation.watchPosition screenshot-desktop desktopCapturer.getSources electron.desktopCapturer.getSources ?.getUserMedia ?.getDisplayMedia html2canvas",
  {
    gives: tag.surveillance,
  },
);
define("Intl.DateTimeFormat Date.prototype.getTimezoneOffset Intl.NumberFormat", { gives: tag.locale });
define("os.locale os-locale osLocale Intl.Locale app.getLocale electron.app.getLocale ?.getLocale", {
  gives: tag.locale,
});
define("geoip-lite.lookup", { gives: tag.locale });
define("Date Date.now performance.now process.hrtime process.uptime process.hrtime.bigint", { gives: tag.clock });
define("Math.random crypto.randomInt", { gives: tag.random });
define("inspector.url", { gives: tag.watcher });
define("os.cpus os.totalmem os.freemem", { gives: tag.watcher });
define(
  "ethereum.request ?.ethereum.request ?.solana.connect solana.connect web3.eth.getAccounts ?.ethereum.send solana.signTransaction",
  { gives: tag.wallet, sink: "send" },
);

// Making text readable, or unreadable.
const decode: Effect = { gives: tag.decoded, passes: true };
define(
  "atob ?.atob decodeURIComponent$ unescape base64-js.toByteArray js-base64.Base64.decode js-base64.decode Base64.decode CryptoJS.enc.Base64.parse CryptoJS.enc.Hex.parse",
  decode,
);
under(
  "zlib",
  "inflate inflateSync inflateRaw inflateRawSync gunzip gunzipSync unzip unzipSync brotliDecompress brotliDecompressSync createGunzip createInflate createBrotliDecompress zstdDecompressSync",
  decode,
);
under("pako", "inflate ungzip inflateRaw", decode);
under("lz-string", "decompress decompressFromBase64 decompressFromUTF16 decompressFromEncodedURIComponent", decode);
under("LZString", "decompress decompressFromBase64 decompressFromUTF16 decompressFromEncodedURIComponent", decode);
under("fflate", "inflateSync gunzipSync decompressSync unzlibSync strFromU8", decode);
define("DecompressionStream", decode);
under("CryptoJS", "AES.decrypt DES.decrypt RC4.decrypt TripleDES.decrypt Rabbit.decrypt", decode);
under("crypto-js", "AES.decrypt DES.decrypt RC4.decrypt TripleDES.decrypt Rabbit.decrypt", decode);
define("crypto-js/aes.decrypt", decode);
under("crypto", "createDecipheriv createDecipher", { ...decode, becomes: "#decipher" });
under("#decipher", "update final", decode);
under("crypto", "privateDecrypt publicDecrypt subtle.decrypt", decode);
define("crypto.subtle.decrypt", decode);
define("String.fromCharCode String.fromCodePoint", decode);
define("btoa", { gives: tag.encoded, passes: true });
define(
  "crypto.createCipheriv crypto.publicEncrypt crypto.subtle.encrypt zlib.gzipSync zlib.deflateSync zlib.gzip zlib.deflate zlib.brotliCompressSync CryptoJS.AES.encrypt",
  { gives: tag.encoded, passes: true },
);
define(
  "querystring.stringify querystring.encode qs.stringify util.inspect util.format JSON.stringify JSON.parse encodeURIComponent encodeURI decodeURIComponent decodeURI escape String Number parseInt parseFloat structuredClone v8.serialize",
  { passes: true },
);
define(
  "Buffer.from Buffer.concat Buffer buffer.Buffer.from buffer.from Uint8Array Uint8Array.from Array.from Array Object.entries Object.values Object.keys Object.fromEntries Object.assign Object.freeze Promise.resolve Promise.all Promise.allSettled Promise.race Promise.any URLSearchParams URL Request Response Headers Map Set TextEncoder TextDecoder Readable.from stream.Readable.from util.promisify path.join path.resolve path.normalize path.basename path.dirname url.parse url.resolve url.fileURLToPath new-string Error Proxy Symbol structuredClone Blob msgpack.encode yaml.parse yaml.stringify",
  {
    passes: true,
  },
);

/** What is known of calling the object that this reference names. */
export function effectOf(ref: string | undefined): Effect | undefined {
  if (ref === undefined) return undefined;
  return table.get(ref);
}

const reads = new Map<string, number>([
  ["process.env", tag.environment],
  ["Deno.env", tag.environment],
  ["Bun.env", tag.environment],
  ["import.meta.env", 0],
  ["document.cookie", tag.browser],
  ["document.forms", tag.form],
  ["location.hash", tag.remote],
  ["location.search", tag.remote],
  ["location.href.hash", tag.remote],
  ["location.href.search", tag.remote],
  ["localStorage", tag.browser],
  ["sessionStorage", tag.browser],
  ["navigator.language", tag.locale],
  ["navigator.languages", tag.locale],
  ["navigator.userLanguage", tag.locale],
  ["navigator.webdriver", tag.watcher],
  ["navigator.userAgent", 0],
  ["navigator.plugins", 0],
  ["process.execArgv", tag.watcher],
  ["process.debugPort", tag.watcher],
  ["process.ppid", 0],
  ["__filename", tag.self],
  ["import.meta.url", 0],
  ["os.EOL", 0],
]);

/** Tags of reading the object that this reference names. */
export function readTags(ref: string | undefined): number {
  return ref === undefined ? 0 : (reads.get(ref) ?? 0);
}

const SECRET_NAME =
  /(?:secret|token|passw|passphrase|private|credential|api_?key|access_?key|_key$|_auth$|auth_|mnemonic|seed|pat$|dsn$|connection_?string|database_url|session)/iu;
const IDENTITY_NAME =
  /^(?:user|username|logname|computername|hostname|host|userdomain|userdnsdomain|sudo_user|ssh_connection|github_repository|github_repository_owner|github_actor|npm_package_name|npm_package_description|npm_config_user_agent|session_manager)$/iu;
const LOCALE_NAME = /^(?:lang|language|lc_[a-z]+|tz)$/iu;

/** Tags of one environment variable by its name. */
export function variableTags(name: string): number {
  if (LOCALE_NAME.test(name)) return tag.variable | tag.locale;
  if (IDENTITY_NAME.test(name)) return tag.variable | tag.identity;
  if (/^(?:home|userprofile|appdata|localappdata)$/iu.test(name)) return tag.variable | tag.home;
  return SECRET_NAME.test(name) ? tag.secretVariable : tag.variable;
}
