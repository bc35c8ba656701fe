import { isIdPart, isVersion, tryParsePluginId } from "@berth/spec";
import { z } from "zod";

/** What paths may hold. Names index tables and become paths of files, so nothing else gets this far. */
export const idPart = z
  .string()
  .max(64)
  .refine(isIdPart, "must be lower-case letters, digits and single hyphens, 2 to 64 long");
export const pluginId = z
  .string()
  .max(129)
  .refine((text) => tryParsePluginId(text) !== undefined, 'must be a plugin id like "acme.csv-tools"');
export const version = z.string().max(64).refine(isVersion, 'must be a version like "1.2.3"');

export const pluginParameters = z.object({ id: pluginId });
export const releaseParameters = z.object({ id: pluginId, version });
export const publisherParameters = z.object({ publisher: idPart });
