import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const hostErrors = {
  HOST_BUSY: {
    kind: "environment",
    meaning: "Another process owns the data directory.",
    cause: "A host is already running there; the message names its process id.",
    remedy: "End the other process, or give this one another data directory.",
  },
  HOST_DATA_DIR_UNUSABLE: {
    kind: "environment",
    meaning: "The data directory cannot be used.",
    cause: "It cannot be created, written, or the disk is full; the message ends with the system's code.",
    remedy:
      "EACCES, EPERM, EROFS: check its owner and mode. ENOSPC, EDQUOT: free space. ENOENT, ENOTDIR, ELOOP: check the path.",
  },
  HOST_DATA_DIR_OPEN: {
    kind: "environment",
    meaning: "The data directory is not this user's alone.",
    cause: "It belongs to somebody else, or others may write to it, and could change what is installed and trusted.",
    remedy: "Take the others' right away (`chmod go-w DIR`), run as its owner, or name another directory.",
  },
  HOST_CLOSED: {
    kind: "usage",
    meaning: "The host was used after it was closed.",
    cause: "An operation ran on after `close()`.",
    remedy: "Wait for operations to end before closing.",
  },
  HOST_CALLER_INVALID: {
    kind: "usage",
    meaning: "The embedding program named a caller that is none, or rights of one that are none.",
    cause:
      "`caller` was given and is `undefined`, such as the user of a request without a session, or `rightsOf` answered with something other than a list.",
    remedy:
      "Refuse such requests before they become calls; answer `[]` for a caller who may do nothing. Leave `caller` out for calls of the program itself.",
  },
  HOST_PARTITION_INVALID: {
    kind: "usage",
    meaning: "The embedding program named a partition by something that cannot tell partitions apart.",
    cause:
      "`partitionOf` gave no text, or text with half a surrogate pair, which the database would merge with others.",
    remedy: "Give each partition a well-formed text of its own, such as the caller's id.",
  },
  HOST_PUBLISHER_AMBIGUOUS: {
    kind: "denied",
    meaning: "Packages of one new publisher would come from two registries.",
    cause: "A dependency names a package that only a later registry has, under a name that an earlier one has too.",
    remedy: "Find out whose name it is, and bind it: `berth registry bind PUBLISHER NAME`.",
  },
  HOST_PACKAGE_UNSIGNED: {
    kind: "denied",
    meaning: "A package carries no signature of its publisher.",
    cause: "`berth pack` was run without `berth sign`, or the signature was removed.",
    remedy: "Sign the package: `berth sign FILE`.",
  },
  HOST_DEVELOPMENT_UNKNOWN: {
    kind: "input",
    meaning: "A folder was named that is no development folder of the host.",
    cause: "It is not among `developmentFolders`, or it is spelled differently; the message lists those there are.",
    remedy: "Open the host with the folder, or name it by its real path.",
  },
  HOST_DEVELOPMENT_UNBUILT: {
    kind: "input",
    meaning: "A development folder could not be built.",
    cause: "The builder that the embedding program gave with the folder threw; the message ends with its words.",
    remedy: "Correct what the words name. What ran before goes on.",
  },
  HOST_DEVELOPMENT_OFF: {
    kind: "denied",
    meaning: "A plugin came unsigned from a development folder that this host was not opened with.",
    cause: "The host was opened without `developmentFolders`, or the folder was moved.",
    remedy: "Install a signed package in its place after uninstalling it, or open the host with the folder.",
  },
  HOST_DEVELOPMENT_TAKEN: {
    kind: "denied",
    meaning: "A development folder and a signed package, or two folders, claim the same plugin.",
    cause: "A plugin of this id is installed already, and its grants, secrets and data were given to that one.",
    remedy: "Uninstall the one that is there, or give the other a different id.",
  },
  HOST_DISCOVERY_UNREADABLE: {
    kind: "environment",
    meaning: "A folder of plugins, or something in it, could not be read.",
    cause:
      "It is missing, or closed to this user, or its names may be read and nothing else; the message ends with the system's code. Whatever else there is was looked at.",
    remedy: "ENOENT: check the path. EACCES, EPERM: check its owner and mode; a folder needs both r and x.",
  },
  HOST_DISCOVERY_NOT_PLAIN: {
    kind: "input",
    meaning: "Something that is called like a plugin is no plain file in a plain folder.",
    cause:
      "It is a symbolic link, a named pipe, a socket or a device, or was being written. No link was followed, and nothing but plain files was read.",
    remedy: "Put the file itself there, or name the folder that a link leads to.",
  },
  HOST_DISCOVERY_LIMIT: {
    kind: "limit",
    meaning: "Something in a folder of plugins was not looked at to the end.",
    cause: "Reading it took longer or more memory than it may, or what came before it used up the time of its folder.",
    remedy: "Look at less at a time: name a folder that holds only what you are looking for.",
  },
  HOST_KEY_UNTRUSTED: {
    kind: "denied",
    meaning: "A package is signed by a key that this host has not been told to trust.",
    cause: "It is the first package of this publisher here, and nobody has confirmed the key.",
    remedy: "Compare the fingerprint with one that the publisher gave you on another way, then trust the key.",
  },
  HOST_DEPLOYMENT_REFUSED: {
    kind: "denied",
    meaning: "A package is vouched for by a deployment's secret alone, where that counts for nothing.",
    cause:
      "The policy names no repository, there is no deployment key for it, the package came from elsewhere, or a public key is trusted for its publisher.",
    remedy:
      "Install a release that its publisher signed; or, for plugins of your own without a public key, name the `repository` in the policy and keep its key in `keys/deployment.key`.",
  },
  HOST_DEPLOYMENT_KEY_MISFIT: {
    kind: "usage",
    meaning: "A deployment key is for another repository than the policy's.",
    cause: "The key was made for another deployment, or the policy's `repository` was changed.",
    remedy: "Use the key of the repository that the policy names.",
  },
  HOST_KEY_CHANGED: {
    kind: "denied",
    meaning: "A package is signed by another key than the one this host trusts for its publisher.",
    cause: "The publisher changed keys, or somebody pretends to be the publisher.",
    remedy: "Do not install. Ask the publisher on another way which fingerprint is right.",
  },
  HOST_API_UNSUPPORTED: {
    kind: "input",
    meaning: "A plugin needs another version of the Berth API.",
    cause: "The manifest's `api` range does not include this host's version.",
    remedy: "Update Berth, or use a release of the plugin for this version.",
  },
  HOST_STREAM_MISMATCH: {
    kind: "usage",
    meaning: "An action that streams was called for one answer, or the other way round.",
    cause:
      "The manifest says with `streams` which of the two it is; other plugins, events and schedules cannot call what streams.",
    remedy: "Use `host.stream` for what streams and `host.call` for the rest; over HTTP accept `application/x-ndjson`.",
  },
  HOST_STREAM_UNSUPPORTED: {
    kind: "input",
    meaning: "A plugin has an action that streams, and its runtime cannot.",
    cause: "The engine that executes the manifest's `runtime.kind` has no way to give an answer in pieces.",
    remedy: "Leave `streams` out and answer in pages, or write the plugin in JavaScript.",
  },
  HOST_RUNTIME_UNSUPPORTED: {
    kind: "input",
    meaning: "No engine of this host executes the plugin at the level it needs.",
    cause: "The manifest's `runtime.kind` or the effective security level has no engine here.",
    remedy: "Give the host an engine for it, or choose another level by policy.",
  },
  HOST_CODE_UNLOADABLE: {
    kind: "input",
    meaning: "A package holds code that cannot be loaded where it is to run.",
    cause:
      "Before an install its code is loaded once, as for a first call and without any right; the message ends with what the engine said: syntax or globals that the level lacks, an import that nobody serves, no plugin in the bundle, or too much of time, memory or bytes.",
    remedy:
      "If the hint names levels, ask for one of them, or let the operator do so; else the author has to correct the code (docs/guide/levels.md lists what each level has).",
  },
  HOST_LIMITS_TOO_HIGH: {
    kind: "input",
    meaning: "A plugin asks for more than its security level gives.",
    cause: "The manifest's `limits` are above the level's ceiling.",
    remedy: "Lower the limits in the manifest.",
  },
  HOST_SCHEMA_UNUSABLE: {
    kind: "input",
    meaning: "A schema of a plugin could not be compiled in time.",
    cause: "The schema is contradictory or made to be slow.",
    remedy: "Simplify the schema that the message names.",
  },
  HOST_ENTRY_MISSING: {
    kind: "input",
    meaning: "A package does not hold the file that its manifest wants to load.",
    cause: "`runtime.entry` names a file that is not in the package.",
    remedy: "Pack the plugin again with `berth pack`.",
  },
  HOST_POLICY_DENIES: {
    kind: "denied",
    meaning: "The operator's policy forbids a permission that the plugin requires.",
    cause: "The permission is on the policy's list of denied ones.",
    remedy: "Ask the operator, or use another plugin.",
  },
  HOST_POLICY_INVALID: {
    kind: "input",
    meaning: "A policy is not well-formed.",
    cause: "An unknown member, a wrong type, or a permission with parameters that do not exist.",
    remedy: "Correct the place that the message names; `policy.schema.json` describes the form.",
  },
  HOST_SECRET_INVALID: {
    kind: "input",
    meaning: "A secret cannot be set.",
    cause: "The plugin's manifest does not name it, or the value is empty or too large.",
    remedy: "Set one of the names in the manifest's `secrets`.",
  },
  HOST_SETTINGS_INVALID: {
    kind: "input",
    meaning: "Settings do not fit the plugin's schema.",
    cause: "A member is missing, unknown or of the wrong type; the details name the place.",
    remedy: "Correct the settings at the place named.",
  },
  HOST_VAULT_CLOSED: {
    kind: "environment",
    meaning: "Secrets cannot be opened.",
    cause:
      "The operator's key is missing or another one, the sealed data was changed, or it was filled in for a plugin that came from another registry.",
    remedy: "Put the operator's key back in its place, or set the secrets anew.",
  },
  HOST_ALERTS_INVALID: {
    kind: "input",
    meaning: "The rules of alerts cannot be used.",
    cause: "A rule has an unknown kind or member, or a number out of its bounds.",
    remedy: "Correct the place that the message names; the guide to operating a host lists the rules.",
  },
  HOST_OPERATOR_KEY_INVALID: {
    kind: "input",
    meaning: "What was given as the operator's key is not one.",
    cause: "The file holds no age identity, which begins with `AGE-SECRET-KEY-1`.",
    remedy: "Make one with `age-keygen -o FILE`. Nothing was changed.",
  },
  HOST_GRANT_REFUSED: {
    kind: "denied",
    meaning: "A permission cannot be granted.",
    cause: "The plugin's manifest does not ask for it, the operator's policy denies it, or only a policy may grant it.",
    remedy: "Grant what `berth permissions list ID` shows, or change the policy.",
  },
  HOST_CONSENT_MISSING: {
    kind: "denied",
    meaning: "A plugin was to be installed without consent to everything it requires.",
    cause: "A required permission was not among those granted.",
    remedy:
      "Read what the plugin asks for and grant it, or do not install. A program grants what a person agreed to, such as `plan.permissions.filter(({ isOptional }) => !isOptional).map(({ permission }) => permission)`.",
  },
  HOST_DOWNGRADE_UNCONSENTED: {
    kind: "denied",
    meaning: "A lower version than the installed one was to be installed, and nobody agreed to that.",
    cause: "An old release is as genuine as a new one, and brings back what the new one mended.",
    remedy: "Install a newer release; or agree to the lower one: `berth install … --allow-downgrade`.",
  },
  HOST_ALREADY_INSTALLED: {
    kind: "input",
    meaning: "Exactly this release is installed already.",
    cause: "The same package was installed before.",
    remedy: "Leave the installation out: call the plugin, or ask `host.list()` first.",
  },
  HOST_PLAN_STALE: {
    kind: "usage",
    meaning: "What is installed has changed since the plan was made.",
    cause: "Another install or uninstall of the same plugin ended in between.",
    remedy: "Plan again.",
  },
  HOST_PLUGIN_UNKNOWN: {
    kind: "input",
    meaning: "No plugin of that id is installed.",
    cause: "A typing mistake, or it was uninstalled.",
    remedy: "`berth list` shows what is installed.",
  },
  HOST_PLUGIN_NOT_ENABLED: {
    kind: "denied",
    meaning: "A plugin was called that is not switched on.",
    cause: "It is disabled, failed at the start of the host, or was put into quarantine after crashing repeatedly.",
    remedy: "`berth list` tells its state and why; `berth enable ID` switches it on.",
  },
  HOST_TRANSITION_ILLEGAL: {
    kind: "input",
    meaning: "A plugin cannot go from the state it is in to the one asked for.",
    cause: "Its state changed in between, or the operation does not apply to it.",
    remedy: "`berth list` tells its state.",
  },
  HOST_ACTION_UNKNOWN: {
    kind: "input",
    meaning: "The plugin has no action of that name.",
    cause: "A typing mistake, or another release of the plugin.",
    remedy: "The message lists the plugin's actions.",
  },
  HOST_INPUT_INVALID: {
    kind: "input",
    meaning: "The input of a call does not fit the action's schema.",
    cause: "A member is missing, unknown or of the wrong type; the details name the place.",
    remedy: "Correct the input at the place named.",
  },
  HOST_OUTPUT_INVALID: {
    kind: "input",
    meaning: "What a plugin answered does not fit the schema that it promised.",
    cause: "A mistake of the plugin's. The answer was not passed on.",
    remedy: "Report it to the plugin's author.",
  },
  HOST_VALUE_TOO_LARGE: {
    kind: "limit",
    meaning: "A value is too large for a call by value.",
    cause: "Values above 1 MiB would stall the embedding program while they are parsed.",
    remedy: "Use `callBytes`, which parses and checks in a worker thread.",
  },
  HOST_PACKAGE_DAMAGED: {
    kind: "environment",
    meaning: "The stored package of an installed plugin is missing or was changed.",
    cause: "Somebody edited the data directory, or the disk failed. The plugin was not run.",
    remedy: "Install the package again.",
  },
  HOST_REGISTRY_UNKNOWN: {
    kind: "input",
    meaning: "No registry of that name or address is configured.",
    cause: "A typing mistake, or it was removed; a publisher may still be bound to it.",
    remedy: "`berth registry list` shows what is configured; `berth registry add NAME URL` adds one.",
  },
  HOST_REGISTRY_EXISTS: {
    kind: "input",
    meaning: "A registry of that name or address is configured already.",
    cause: "It was added before.",
    remedy: "Remove it first, or choose another name.",
  },
  HOST_REGISTRY_NAME_INVALID: {
    kind: "input",
    meaning: "A text cannot be the name of a registry.",
    cause: "Names are 2 to 64 lower-case letters, digits and single hyphens, and start with a letter.",
    remedy: "Choose a name such as `company` or `public`.",
  },
  HOST_NO_REGISTRY: {
    kind: "input",
    meaning: "A plugin was asked for by its id, and no registry is configured.",
    cause: "A new host knows no registry.",
    remedy: "Add one: `berth registry add NAME URL`; or install a package from a file.",
  },
  HOST_INDEX_DIFFERS: {
    kind: "input",
    meaning: "A registry's index says something else of a release than the signed package itself.",
    cause: "A broken or hostile registry: what was resolved is not what would be installed.",
    remedy: "Do not install from this registry until its operator has explained it.",
  },
  HOST_GRAPH_TOO_LARGE: {
    kind: "limit",
    meaning: "An install would download more than a host takes at once.",
    cause: "The plugin has very many or very large dependencies.",
    remedy: "Install some of its dependencies first.",
  },
  HOST_DEPENDENCY_UNMET: {
    kind: "input",
    meaning: "What a plugin needs of other plugins does not hold.",
    cause: "A dependency is missing or of another version, or two plugins exclude each other.",
    remedy: "Install what the message names: `berth install ID@RANGE`.",
  },
  HOST_PLUGIN_NEEDED: {
    kind: "input",
    meaning: "A plugin cannot be removed while others need it.",
    cause: "The plugins that the message names depend on it.",
    remedy: "Uninstall those first, or together with it.",
  },
  HOST_LOCK_DIFFERS: {
    kind: "denied",
    meaning: "A registry does not have exactly what the lockfile holds fast.",
    cause: "A release was exchanged or removed, or comes from another registry than when the lock was made.",
    remedy: "Find out why. `berth lock` writes a new lockfile once you accept the difference.",
  },
  HOST_NOT_LOCKABLE: {
    kind: "input",
    meaning: "What is installed cannot be written down as a lockfile.",
    cause: "A plugin from a registry needs one that was installed from a file, which nobody else could fetch.",
    remedy: "Publish the plugin that the message names, and install it from the registry.",
  },
  HOST_SCAN_REFUSED: {
    kind: "denied",
    meaning: "The operator's policy refuses a package because of what the scanner found in it.",
    cause: "The verdict on the package is one that the policy refuses; `block` is refused unless it says otherwise.",
    remedy: "Read the findings. A policy may waive a rule with a reason.",
  },
  HOST_SCAN_UNCONFIRMED: {
    kind: "denied",
    meaning: "A package with findings was to be installed, and nobody confirmed it.",
    cause: "The policy asks a person about packages with this verdict.",
    remedy: "Read the findings and confirm the plugin by its id, or do not install.",
  },
  HOST_SCAN_FAILED: {
    kind: "input",
    meaning: "A package could not be scanned to the end.",
    cause: "Its code is made to exhaust whoever reads it, or the scanner has a fault. It counts as refused.",
    remedy: "Report the package.",
  },
  BROKER_METHOD_UNKNOWN: {
    kind: "denied",
    meaning: "A plugin asked for a service that this host does not have.",
    cause: "The plugin was made for another host, or probes.",
    remedy: "Use the services of the SDK.",
  },
  BROKER_REQUEST_INVALID: {
    kind: "input",
    meaning: "A plugin's request to a service is not well-formed.",
    cause: "A wrong type, a key that is too long, or a value that is too large.",
    remedy: "Correct the request; the message names the member.",
  },
  BROKER_NO_CALLER: {
    kind: "denied",
    meaning: "A plugin asked for the caller's storage in a call that nobody in particular made.",
    cause: "The embedding program called without a partition.",
    remedy: "Name the caller in the call, or use the plugin's own storage.",
  },
  BROKER_DENIED: {
    kind: "denied",
    meaning: "A plugin used something that it has no right to.",
    cause:
      "A right holds only while the manifest asks for it, the operator's policy allows it, somebody granted it, and the caller may do it too. The details name the term that denied.",
    remedy:
      "Term `manifest`: the author declares the permission. `policy`: ask the operator. `grant`: `berth permissions grant ID NAME`. `caller`: call on behalf of somebody who may.",
  },
  BROKER_LABEL_DENIED: {
    kind: "denied",
    meaning: "A plugin that has had data of a user's tried to hand something on to where that data may not go.",
    cause:
      "Data that is read with `user_data_access` may leave only to the hosts of its `mayLeaveTo`. Whatever a plugin does from then on, until nothing of its memory is left, may tell of that data; the details name the hosts.",
    remedy:
      "Send and write before reading, or in another call at strict; have `mayLeaveTo` granted; or have the embedding program say that its part takes labelled data.",
  },
  BROKER_USER_DATA_MISSING: {
    kind: "environment",
    meaning: "A plugin asked for data of the user's that this host has no source for.",
    cause: "The embedding program was opened without `userData`, or its provider does not do this.",
    remedy: "Give `openHost` a provider with that method, or do without.",
  },
  BROKER_USER_DATA_FAILED: {
    kind: "environment",
    meaning: "The embedding program could not do what a plugin asked of the user's data.",
    cause:
      "Its provider threw, answered with something that is no record, or took longer than the call; the host's event `fault` tells more.",
    remedy: "Look at the program that embeds the host; the plugin may try again.",
  },
  BROKER_EFFECT_DENIED: {
    kind: "denied",
    meaning: "An action that promises to touch nothing tried to.",
    cause: "The manifest declares the action `pure`, and its code used a service that changes something.",
    remedy: "Remove `effect: pure` from the action, or the effect from its code.",
  },
  BROKER_QUOTA_EXCEEDED: {
    kind: "limit",
    meaning: "A plugin used up what a service gives it.",
    cause:
      "Storage: the sum of its keys and values reached the quota. Other services: the amount that was granted for an hour or a day, or what may be under way at a time.",
    remedy: "Delete keys that are not needed, wait for the next hour or day, or have a larger amount granted.",
  },
  BROKER_NOT_A_DEPENDENCY: {
    kind: "denied",
    meaning: "A plugin called another one that its manifest does not name.",
    cause: "Plugins call only what `dependencies` or `optionalDependencies` of their manifests name.",
    remedy: "Declare the dependency, with the range of versions that the plugin works with.",
  },
  BROKER_CALL_CYCLE: {
    kind: "denied",
    meaning: "A plugin called one that is already waiting for it.",
    cause: "Plugins call each other in a circle, or a plugin calls itself through the host.",
    remedy: "Break the circle: pass what is needed as input, or publish an event.",
  },
  BROKER_CALL_DEPTH: {
    kind: "limit",
    meaning: "Plugins call each other, or answer each other's events, too deeply.",
    cause: "More than eight plugins or events stand between the first call and this one.",
    remedy: "Let fewer plugins stand between the first and the last.",
  },
  BROKER_KEY_REUSED: {
    kind: "input",
    meaning: "A key was used a second time, for something else.",
    cause: "Within 24 hours the same key came with another input, or for another event.",
    remedy: "Use a new key for each new intent, and the same key only to repeat it.",
  },
  BROKER_KEY_UNCERTAIN: {
    kind: "limit",
    meaning: "A call was repeated with its key, and nobody knows whether the first one took effect.",
    cause: "The first call failed, or the program ended during it, and the action does not promise to be repeatable.",
    remedy: "Find out what happened, then call with a new key; authors declare `effect: idempotent` where it is true.",
  },
  HOST_SCHEDULE_INVALID: {
    kind: "input",
    meaning: "A schedule of a manifest never runs.",
    cause: "Its cron expression or time zone is none, or describes no moment, such as 30 February.",
    remedy: "The author corrects the schedule that the message names.",
  },
  HOST_EVENT_UNKNOWN: {
    kind: "usage",
    meaning: "The embedding program used an event or a dead letter that there is not.",
    cause: "`events` of the host's options does not declare it, the topic is none, or the letter is gone.",
    remedy: "Declare the event when the host is opened; list the letters with `host.events.deadLetters()`.",
  },
  BROKER_CALLEE_FAILED: {
    kind: "input",
    meaning: "An action of another plugin that a plugin called did not answer.",
    cause: "The details name the action and the code of what went wrong.",
    remedy: "Look at the code in the details: the callee's input, rights or limits, or its own code.",
  },
  BROKER_ADDRESS_DENIED: {
    kind: "denied",
    meaning: "A plugin tried to reach a host that is not on the public internet.",
    cause: "The name resolves, now or by a redirect, to a private, local or reserved address.",
    remedy: "If plugins shall reach that host, name it in the policy's `privateHosts`.",
  },
  BROKER_NETWORK_FAILED: {
    kind: "environment",
    meaning: "A request of a plugin to another host did not work.",
    cause: "The name has no address, nobody answers, the connection broke, or it took too long.",
    remedy: "Try again; the message names the host and the reason.",
  },
  BROKER_FILE_MISSING: {
    kind: "input",
    meaning: "A plugin asked for a file that is not there.",
    cause: "The path is wrong, or the file may not be created.",
    remedy: "List the folder, or write with `create`.",
  },
  BROKER_FILE_REFUSED: {
    kind: "denied",
    meaning: "A plugin asked for something that is not given to plugins as a file.",
    cause: "A link, a device, a pipe, the host's own data, or what the system does not allow the host.",
    remedy: "Use plain files in plain folders below those that were granted.",
  },
  BROKER_FILES_UNSUPPORTED: {
    kind: "environment",
    meaning: "This machine has no safe way to give plugins files.",
    cause: "Following a path without ever following a link needs Linux.",
    remedy: "Run the host on Linux, or hand the plugin the content as input.",
  },
  BROKER_EXEC_UNSUPPORTED: {
    kind: "environment",
    meaning: "This machine cannot hold programs that plugins run.",
    cause:
      "Programs run only behind namespaces, a system-call filter and limits, which need Linux on x64 or arm64, bubblewrap and prlimit; the message names what is missing.",
    remedy: "Do what the message says, or look at docs/guide/walls.md. Nothing runs without the wall.",
  },
  BROKER_EXEC_REFUSED: {
    kind: "denied",
    meaning: "A command of a plugin names a program or a folder that commands are not given.",
    cause:
      "The program is not in /usr or one of the policy's `programFolders`, others than root and the host's user may change it, or it is none; or the folder is reached through a link, is the system's, holds what the host keeps, or is closed to the user of the program.",
    remedy:
      "Do what the message says: name the program by its place in /usr, add its folder to the policy's `programFolders`, or choose another folder.",
  },
  BROKER_EXEC_ENDED: {
    kind: "limit",
    meaning: "A command that a plugin ran was ended before it was done.",
    cause: "It used up its time, wrote too much or took too much memory; the details name which in `limit`.",
    remedy: "Give it less to do; for more time the manifest raises `timeMs` of `system_exec` or `limits.wallMs`.",
  },
  BROKER_EXEC_FAILED: {
    kind: "environment",
    meaning: "A command of a plugin could not be started.",
    cause: "The machine is out of processes or memory, or the program or the folder went away at that moment.",
    remedy: "Try again; the message ends with the system's words.",
  },
  BROKER_SECRET_MISSING: {
    kind: "environment",
    meaning: "A plugin needs a secret that nobody has filled in.",
    cause: "The manifest names the secret, and the operator has not set it on this host.",
    remedy: "Set it: `berth secrets set ID NAME`.",
  },
  BROKER_CONTENTION: {
    kind: "limit",
    meaning: "A batch of storage operations was overtaken by others again and again.",
    cause: "Several calls change the same keys at the same time.",
    remedy: "Try again later, or spread what is counted over several keys.",
  },
} as const satisfies Record<string, ErrorRow>;

export type HostErrorCode = keyof typeof hostErrors;

/** Refusals and failures of the host. */
export class HostError extends CodedError<HostErrorCode> {
  constructor(code: HostErrorCode, message: string, extras?: ErrorExtras) {
    super(hostErrors, code, message, extras);
  }
}
