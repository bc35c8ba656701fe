import { quote } from "@berth/base";
import { verdicts } from "@berth/spec";
import { z } from "zod";

import { RegistryError } from "./errors.ts";

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);

const MINUTE_MS = 60_000;

/**
 * Every setting of a registry, defined once: validation, types and `docs/registry-settings.md` follow
 * from it. In a file and in the environment `uploadStallMs` is called `BERTH_REGISTRY_UPLOAD_STALL_MS`.
 */
export const configSchema = z.strictObject({
  dataDir: z.string().min(1).describe("Folder for the database, packages, search index and static site."),
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on."),
  port: whole(0, 65_535).default(7_740).describe("Port to listen on; 0 takes a free one."),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("The URL under which clients reach the server, where it is another than that of host and port."),
  repository: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, "must be a name of letters, digits and . _ : / -")
    .default("berth")
    .describe("The trust domain; publishers may bind statements to it."),
  openRegistration: flag.default(false).describe("Whether anybody may create a publisher without a token."),
  newOperatorToken: flag
    .default(false)
    .describe("Makes another operator's token at this start, for an operator who lost theirs."),
  database: z
    .string()
    .regex(/^(?:sqlite|postgres(?:ql)?:\/\/.+)$/, 'must be "sqlite" or a postgres:// URL')
    .default("sqlite")
    .describe("`sqlite` for a file in the data directory, or a `postgres://` URL. Secret, as it may hold a password."),
  blobs: z
    .string()
    .regex(/^(?:folder|https?:\/\/.+)$/, 'must be "folder" or the URL of an S3 bucket')
    .default("folder")
    .describe(
      "`folder` for a folder in the data directory, or the URL of an S3 bucket such as `https://s3.example.com/berth`.",
    ),
  s3Region: z.string().min(1).default("auto").describe("Region of the S3 bucket."),
  s3AccessKeyId: z.string().min(1).optional().describe("Access key of the S3 bucket."),
  s3SecretAccessKey: z.string().min(1).optional().describe("Secret of the access key."),
  refuse: z
    .union([z.array(z.enum(verdicts)), z.string().transform((text) => text.split(",").filter(Boolean))])
    .pipe(z.array(z.enum(verdicts)))
    .default(["block"])
    .describe("Verdicts of the scanner that are refused, comma-separated: `clean`, `review`, `block`."),
  scanPolicyFile: z
    .string()
    .min(1)
    .optional()
    .describe("JSON file with the operator's policy for the scanner's rules."),
  checkDependencies: flag
    .default(true)
    .describe(
      "Whether a release is refused when what it needs is not published here; `false` where hosts take it from other registries.",
    ),
  maxPackageBytes: whole(1_024, 67_108_864).default(67_108_864).describe("Largest package that is taken."),
  uploadStallMs: whole(100, 10 * MINUTE_MS)
    .default(15_000)
    .describe("How long an upload may be silent."),
  uploadTotalMs: whole(1_000, 60 * MINUTE_MS)
    .default(5 * MINUTE_MS)
    .describe("How long an upload may take."),
  uploadsAtOnce: whole(1, 1_000).default(16).describe("Uploads that are taken at the same time."),
  inspectionMs: whole(1_000, 10 * MINUTE_MS)
    .default(60_000)
    .describe("How long inspecting one package may take."),
  readsPerMinute: whole(1, 10_000_000).default(3_000).describe("Reading requests from one address in a minute."),
  searchesPerMinute: whole(1, 10_000_000).default(600).describe("Searches from one address in a minute."),
  writesPerMinute: whole(1, 10_000_000).default(120).describe("Changing requests from one address in a minute."),
  trustedProxies: z
    .string()
    .optional()
    .describe(
      "Addresses of proxies whose `x-forwarded-for` is believed, comma-separated; needed for rate limits behind one.",
    ),
  cacheBytes: whole(1_048_576, 17_179_869_184)
    .default(67_108_864)
    .describe("Memory for documents that are kept ready; packages get as much again."),
  pollMs: whole(50, 10 * MINUTE_MS)
    .default(1_000)
    .describe("How often to look for changes by other servers on the same database."),
  countDownloadsMs: whole(10, 10 * MINUTE_MS)
    .default(10_000)
    .describe("How often counted downloads are added to the catalogue; a crash loses those in between."),
  stopMs: whole(0, 10 * MINUTE_MS)
    .default(10_000)
    .describe("How long requests under way may take to end when the server stops."),
  logLevel: z
    .enum(["fatal", "error", "warn", "info", "debug", "silent"])
    .default("info")
    .describe("What is logged; `debug` adds one line for each request, without address or agent."),
});

/** Settings as a program gives them; what is left out has its default. */
export type RegistryConfig = z.input<typeof configSchema>;
/** Settings with every default filled in. */
export type FullConfig = z.output<typeof configSchema>;

const PREFIX = "BERTH_REGISTRY_";

/** The name of a setting in files and in the environment. */
export const variableOf = (setting: string): string => PREFIX + setting.replaceAll(/[A-Z]/g, "_$&").toUpperCase();

/**
 * Checks settings and fills in the defaults.
 *
 * @throws RegistryError REGISTRY_CONFIG_INVALID, naming every fault
 */
export function parseConfig(value: unknown): FullConfig {
  const result = configSchema.safeParse(value);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => {
      if (issue.code === "unrecognized_keys")
        return `unknown setting ${issue.keys.map((key) => quote(key)).join(", ")}`;
      return `${issue.path.join(".")}: ${issue.message}`;
    });
    throw new RegistryError("REGISTRY_CONFIG_INVALID", `the registry's settings are wrong: ${faults.join("; ")}`);
  }
  const { blobs, s3AccessKeyId, s3SecretAccessKey } = result.data;
  if (blobs !== "folder" && (s3AccessKeyId === undefined || s3SecretAccessKey === undefined))
    throw new RegistryError("REGISTRY_CONFIG_INVALID", "an S3 bucket needs s3AccessKeyId and s3SecretAccessKey");
  return result.data;
}

/**
 * Settings from variables, as they stand in the environment or in a file of lines `NAME=value`. Variables
 * without the prefix are somebody else's; unknown ones with it are mistakes.
 *
 * @throws RegistryError REGISTRY_CONFIG_INVALID
 */
export function settingsOf(variables: Readonly<Record<string, string | undefined>>): Partial<RegistryConfig> {
  const known = new Map(Object.keys(configSchema.shape).map((setting) => [variableOf(setting), setting]));
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith(PREFIX) || value === undefined) continue;
    const setting = known.get(name);
    if (setting === undefined) throw new RegistryError("REGISTRY_CONFIG_INVALID", `there is no setting ${quote(name)}`);
    settings[setting] = value;
  }
  return settings as Partial<RegistryConfig>;
}
