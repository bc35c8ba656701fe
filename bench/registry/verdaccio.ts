import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { serverProcess } from "./server-process.ts";
import type { ServerProcess } from "./server-process.ts";

const VERSION = "6.10.4";

/**
 * Installs the peer into a folder of its own, once. It is no dependency of this repository: hundreds of
 * packages that only one benchmark needs. The override replaces a tag that does not resolve.
 */
function install(folder: string): string {
  const bin = join(folder, "node_modules/verdaccio/bin/verdaccio");
  if (existsSync(bin)) return bin;
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { verdaccio: VERSION }, overrides: { "node-fetch": "2.7.0" } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, stdio: "ignore" });
  return bin;
}

const CONFIG = (folder: string): string => `storage: ${folder}/storage
auth:
  htpasswd: { file: ${folder}/htpasswd, max_users: 100, algorithm: bcrypt, rounds: 4 }
security:
  api: { legacy: false, jwt: { sign: { expiresIn: 30d } } }
packages:
  '**': { access: $all, publish: $authenticated, unpublish: $authenticated }
userRateLimit: { windowMs: 1000, max: 1000000 }
log: { type: stdout, format: json, level: error }
`;

/** Verdaccio with a user, ready to publish. */
export async function startVerdaccio(
  installFolder: string,
  dataFolder: string,
): Promise<ServerProcess & { publish(name: string, version: string): Promise<number> }> {
  const bin = install(installFolder);
  mkdirSync(dataFolder, { recursive: true });
  writeFileSync(join(dataFolder, "config.yaml"), CONFIG(dataFolder));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [bin, "-c", join(dataFolder, "config.yaml"), "-l", `127.0.0.1:${port}`], {
    stdio: "ignore",
    env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "" },
  });
  const server = serverProcess(child, url);
  await untilAnswering(`${url}/-/ping`);
  const user = await send(`${url}/-/user/org.couchdb.user:bench`, {
    name: "bench",
    password: randomBytes(12).toString("hex"),
    email: "bench@example.com",
    type: "user",
    roles: [],
    date: new Date().toISOString(),
  });
  const { token } = JSON.parse(user) as { token: string };
  return {
    ...server,
    async publish(name, version) {
      const body = publishBody(url, name, version);
      const startedAt = performance.now();
      await send(`${url}/${name}`, body, token);
      return performance.now() - startedAt;
    },
  };
}

async function send(url: string, body: object, token?: string): Promise<string> {
  const headers = {
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(url, { method: "PUT", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text;
}

async function untilAnswering(url: string): Promise<void> {
  const until = Date.now() + 60_000;
  for (;;) {
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false, // Not listening yet.
    );
    if (isUp) return;
    if (Date.now() > until) throw new Error("Verdaccio did not start within a minute");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What npm sends: one document with the package in it, as base64. */
function publishBody(url: string, name: string, version: string): object {
  const tarball = npmPackage(name, version);
  const file = `${name}-${version}.tgz`;
  const manifest = {
    name,
    version,
    description: `A package of the benchmark, ${name}.`,
    keywords: ["bench", "csv"],
    _id: `${name}@${version}`,
    dist: {
      integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}`,
      shasum: createHash("sha1").update(tarball).digest("hex"),
      tarball: `${url}/${name}/-/${file}`,
    },
  };
  return {
    _id: name,
    name,
    description: manifest.description,
    "dist-tags": { latest: version },
    versions: { [version]: manifest },
    _attachments: {
      [file]: { content_type: "application/octet-stream", data: tarball.toString("base64"), length: tarball.length },
    },
  };
}

function npmPackage(name: string, version: string): Buffer {
  const files = {
    "package/package.json": JSON.stringify({ name, version }),
    "package/index.js": `/*${randomBytes(2_000).toString("base64")}*/`,
  };
  const blocks = Object.entries(files).flatMap(([path, text]) => {
    const body = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1_024)]));
}
