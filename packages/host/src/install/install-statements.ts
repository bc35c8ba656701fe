import { quote } from "@berth/base";
import { formatPermission } from "@berth/spec";
import type { Statement } from "@berth/store";

import { journalStatement } from "../journal.ts";
import type { JournalRecord } from "../journal.ts";
import { checkMarkOf } from "../lifecycle/stored-manifest.ts";
import { replaceGrants } from "../rights/grants.ts";
import type { Change } from "./consent.ts";
import { trustStatement } from "./key-ring.ts";

/** What one change writes: plugin, grants, pinned key and journal. */
export function installStatements({ plan: { manifest, signer }, facts, before, granted, newKey }: Change): Statement[] {
  const { id, version } = manifest;
  const { contentDigest, fileDigest, keyId, installedAt: at, state, registry, askedRange, developmentFolder } = facts;
  const record = (entry: Omit<JournalRecord, "pluginId" | "version" | "outcome">): Statement =>
    journalStatement({ ...entry, pluginId: id, version, outcome: "ok" }, at);
  const text = JSON.stringify(manifest);
  const added = granted.filter(({ isNew }) => isNew);
  return [
    {
      // An update keeps state and reason: a release that a person put away is not let out by its publisher.
      sql: `INSERT INTO plugins
        (id, version, content_digest, file_digest, manifest, key_id, installed_at, state, registry, asked_range, development_folder,
         manifest_checks)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version,
        content_digest = excluded.content_digest, file_digest = excluded.file_digest, manifest = excluded.manifest,
        key_id = excluded.key_id, installed_at = excluded.installed_at, registry = excluded.registry,
        asked_range = excluded.asked_range, development_folder = excluded.development_folder,
        manifest_checks = excluded.manifest_checks`,
      params: [
        id,
        version,
        contentDigest,
        fileDigest,
        text,
        keyId,
        at,
        state,
        registry ?? null,
        askedRange ?? null,
        developmentFolder ?? null,
        checkMarkOf(text),
      ],
    },
    ...replaceGrants(
      id,
      granted.map(({ grant }) => grant),
    ),
    ...added.map(({ grant: { permission } }) =>
      record({ kind: "grant", subject: permission.name, detail: formatPermission(permission) }),
    ),
    ...(newKey === undefined
      ? []
      : [
          trustStatement(signer.publisher, newKey, "first-use", at),
          record({ kind: "trust", subject: newKey.keyId, detail: "first-use" }),
        ]),
    ...(signer.status === "development"
      ? [record({ kind: "trust", subject: contentDigest, detail: `unsigned, from ${quote(signer.folder, 300)}` })]
      : []),
    ...(signer.status === "deployment"
      ? [
          record({
            kind: "trust",
            subject: signer.keyId,
            detail: `from your deployment ${signer.repository}, signed until ${signer.expires}`,
          }),
        ]
      : []),
    record({
      kind: "install",
      subject: contentDigest,
      detail: before === undefined ? undefined : `replaces ${before.version}`,
    }),
  ];
}
