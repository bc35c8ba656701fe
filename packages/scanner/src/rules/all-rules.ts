import type { Rule } from "../rule.ts";
import { abusesAssistants } from "./abuses-assistants.ts";
import { asksTooMuch } from "./asks-too-much.ts";
import { blocksMachine } from "./blocks-machine.ts";
import { changesPipelines } from "./changes-pipelines.ts";
import { confusesManifests } from "./confuses-manifests.ts";
import { contactsCloudMetadata } from "./contacts-cloud-metadata.ts";
import { delaysPayload } from "./delays-payload.ts";
import { dependsOnAddress } from "./depends-on-address.ts";
import { dependsOnVictim } from "./depends-on-victim.ts";
import { destroysData } from "./destroys-data.ts";
import { differsFromPrevious } from "./differs-from-previous.ts";
import { downloadsAndRuns } from "./downloads-and-runs.ts";
import { escapesByConstructor } from "./escapes-by-constructor.ts";
import { escapesByEvaluatedText } from "./escapes-by-evaluated-text.ts";
import { escapesByPython } from "./escapes-by-python.ts";
import { exfiltratesByNameLookup } from "./exfiltrates-by-name-lookup.ts";
import { exfiltratesMachineDetails } from "./exfiltrates-machine-details.ts";
import { exfiltratesPrivateData } from "./exfiltrates-private-data.ts";
import { flattensControlFlow } from "./flattens-control-flow.ts";
import { harmsByPython } from "./harms-by-python.ts";
import { harmsByShell } from "./harms-by-shell.ts";
import { hidesCharacters } from "./hides-characters.ts";
import { hidesConstants } from "./hides-constants.ts";
import { hidesDirection } from "./hides-direction.ts";
import { hidesNames } from "./hides-names.ts";
import { hidesOffScreen } from "./hides-off-screen.ts";
import { hidesProcess } from "./hides-process.ts";
import { hooksHost } from "./hooks-host.ts";
import { importsRiskyWasm } from "./imports-risky-wasm.ts";
import { instructsAgents } from "./instructs-agents.ts";
import { isPacked } from "./is-packed.ts";
import { leavesSecret } from "./leaves-secret.ts";
import { leavesUnscanned } from "./leaves-unscanned.ts";
import { listensToInput } from "./listens-to-input.ts";
import { loadsComputedModule } from "./loads-computed-module.ts";
import { loadsRemoteModule } from "./loads-remote-module.ts";
import { loadsRemotePageScript } from "./loads-remote-page-script.ts";
import { loadsRiskyWasm } from "./loads-risky-wasm.ts";
import { minesCryptocurrency } from "./mines-cryptocurrency.ts";
import { mixesAlphabets } from "./mixes-alphabets.ts";
import { opensReverseShell } from "./opens-reverse-shell.ts";
import { persists } from "./persists.ts";
import { plantsBinary } from "./plants-binary.ts";
import { pollutesPrototypes } from "./pollutes-prototypes.ts";
import { publishesItself } from "./publishes-itself.ts";
import { reachesInternals } from "./reaches-internals.ts";
import { readsCredentialFiles } from "./reads-credential-files.ts";
import { recordsInputByPython } from "./records-input-by-python.ts";
import { redirectsDownloads } from "./redirects-downloads.ts";
import { replacesBuiltins } from "./replaces-builtins.ts";
import { replacesClipboard } from "./replaces-clipboard.ts";
import { resemblesKnownName } from "./resembles-known-name.ts";
import { resistsAnalysis } from "./resists-analysis.ts";
import { rewritesWalletAddresses } from "./rewrites-wallet-addresses.ts";
import { runsAtInstall } from "./runs-at-install.ts";
import { runsCodeHiddenInMedia } from "./runs-code-hidden-in-media.ts";
import { runsDecodedCode } from "./runs-decoded-code.ts";
import { runsFileAsCode } from "./runs-file-as-code.ts";
import { runsOutsideCommand } from "./runs-outside-command.ts";
import { runsRemoteCode } from "./runs-remote-code.ts";
import { searchesForSecrets } from "./searches-for-secrets.ts";
import { spreadsMessage } from "./spreads-message.ts";
import { usesCapability } from "./uses-capability.ts";
import { usesCovertChannel } from "./uses-covert-channel.ts";
import { usesStringTable } from "./uses-string-table.ts";
import { usesUndeclaredCapability } from "./uses-undeclared-capability.ts";
import { weakensTransport } from "./weakens-transport.ts";

/** Every rule of the scanner, by name. A new rule is a new file and two lines here. */
export const allRules: readonly Rule[] = [
  abusesAssistants,
  asksTooMuch,
  blocksMachine,
  changesPipelines,
  confusesManifests,
  contactsCloudMetadata,
  delaysPayload,
  dependsOnAddress,
  dependsOnVictim,
  destroysData,
  differsFromPrevious,
  downloadsAndRuns,
  escapesByConstructor,
  escapesByEvaluatedText,
  escapesByPython,
  exfiltratesByNameLookup,
  exfiltratesMachineDetails,
  exfiltratesPrivateData,
  flattensControlFlow,
  harmsByPython,
  harmsByShell,
  hidesCharacters,
  hidesConstants,
  hidesDirection,
  hidesNames,
  hidesOffScreen,
  hidesProcess,
  hooksHost,
  importsRiskyWasm,
  instructsAgents,
  isPacked,
  leavesSecret,
  leavesUnscanned,
  listensToInput,
  loadsComputedModule,
  loadsRemoteModule,
  loadsRemotePageScript,
  loadsRiskyWasm,
  minesCryptocurrency,
  mixesAlphabets,
  opensReverseShell,
  persists,
  plantsBinary,
  pollutesPrototypes,
  publishesItself,
  reachesInternals,
  readsCredentialFiles,
  recordsInputByPython,
  redirectsDownloads,
  replacesBuiltins,
  replacesClipboard,
  resemblesKnownName,
  resistsAnalysis,
  rewritesWalletAddresses,
  runsAtInstall,
  runsCodeHiddenInMedia,
  runsDecodedCode,
  runsFileAsCode,
  runsOutsideCommand,
  runsRemoteCode,
  searchesForSecrets,
  spreadsMessage,
  usesCapability,
  usesCovertChannel,
  usesStringTable,
  usesUndeclaredCapability,
  weakensTransport,
];
