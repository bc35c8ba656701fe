import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import type { RegistryConfig } from "@berth/registry";
import pg from "pg";
import S3rver from "s3rver";

import { withRegistry } from "./fixture.ts";
import type { TestRegistry } from "./fixture.ts";

/** Where the tests look for a PostgreSQL server that lets them create databases. */
const POSTGRES = process.env["BERTH_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** A place for a registry's data, made for one test and removed after it. */
interface Store {
  readonly name: string;
  /** Why it cannot be used here. */
  readonly missing?: string;
  with(work: (settings: Partial<RegistryConfig>) => Promise<void>): Promise<void>;
}

async function asPostgres<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 3_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function whyNoPostgres(): Promise<string | undefined> {
  try {
    await asPostgres((client) => client.query("SELECT 1"));
    return undefined;
  } catch (error) {
    return `no PostgreSQL server for tests: ${error instanceof Error ? error.message : "unknown error"}`;
  }
}

/** Runs `work` with a database of its own. */
export async function withPostgres(work: (url: string) => Promise<void>): Promise<void> {
  const name = `berth_test_${randomUUID().replaceAll("-", "")}`;
  await asPostgres((client) => client.query(`CREATE DATABASE ${name}`));
  try {
    const url = new URL(POSTGRES);
    url.pathname = `/${name}`;
    await work(url.href);
  } finally {
    await asPostgres((client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
  }
}

/** Runs `work` with an S3-compatible server on this machine and one bucket. */
export async function withS3(
  work: (settings: Partial<RegistryConfig>, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "berth-s3-"));
  const server = new S3rver({
    address: "127.0.0.1",
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: "berth", configs: [] }],
  });
  const { port } = (await server.run()) as AddressInfo;
  try {
    await work(
      {
        blobs: `http://127.0.0.1:${port}/berth`,
        s3AccessKeyId: "S3RVER",
        s3SecretAccessKey: "S3RVER",
        s3Region: "us-east-1",
      },
      directory,
    );
  } finally {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

export const missingPostgres = await whyNoPostgres();

const stores: readonly Store[] = [
  { name: "SQLite, folder", with: (work) => work({}) },
  {
    name: "PostgreSQL, folder",
    ...(missingPostgres !== undefined && { missing: missingPostgres }),
    with: (work) => withPostgres((database) => work({ database })),
  },
  { name: "SQLite, S3", with: (work) => withS3((settings) => work(settings)) },
];

/** The same test on every kind of database and blob store. */
export function testOnEveryStore(
  name: string,
  work: (registry: TestRegistry) => Promise<void>,
  settings: Partial<RegistryConfig> = {},
): void {
  for (const store of stores) {
    test(`${name} (${store.name})`, { skip: store.missing ?? false }, () =>
      store.with((own) => withRegistry(work, { ...settings, ...own })),
    );
  }
}
