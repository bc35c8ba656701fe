/** What a text is about, as bits: found by one set of linear patterns that every rule shares. */
export const topic = {
  credentialPath: 1 << 0,
  walletPath: 1 << 1,
  browserPath: 1 << 2,
  autostartPath: 1 << 3,
  pipelinePath: 1 << 4,
  hookPath: 1 << 5,
  agentPath: 1 << 6,
  binaryPath: 1 << 7,
  metadataUrl: 1 << 8,
  absoluteUrl: 1 << 9,
  dropUrl: 1 << 10,
  mining: 1 << 11,
  scannerTool: 1 << 12,
  publishes: 1 << 13,
  downloads: 1 << 14,
  interprets: 1 << 15,
  reverseShell: 1 << 16,
  destroys: 1 << 17,
  walletAddress: 1 << 18,
  agentBypass: 1 << 19,
  agentTool: 1 << 20,
  autostartCommand: 1 << 21,
  hidesWindow: 1 << 22,
  media: 1 << 23,
  manifestPath: 1 << 24,
  editorPath: 1 << 25,
  pollutes: 1 << 26,
  escapes: 1 << 27,
  detects: 1 << 28,
  geolocates: 1 << 29,
} as const;

export type TopicName = keyof typeof topic;

const patterns: Readonly<Record<TopicName, RegExp>> = {
  credentialPath:
    /\.npmrc\b|\.yarnrc|\.pypirc|\.netrc|_netrc|\.git-credentials|\.gitcredentials|\.ssh(?:[/\\]|$)|\bid_(?:rsa|ed25519|ecdsa|dsa)\b|\.aws[/\\]|\.aws$|\.azure(?:[/\\]|$)|gcloud[/\\]|application_default_credentials|\.docker[/\\]config|\.kube(?:[/\\]|$)|\.gnupg|\.vault-token|\.config[/\\](?:gh|hub|gcloud|op)\b|hosts\.yml$|\.terraform|\.cargo[/\\]credentials|\.gem[/\\]credentials|\.pgpass|\.my\.cnf|\.boto|\.s3cfg|\.dockercfg|(?:^|[/\\\uFFFC])\.env(?:\.(?:local|production|prod|development))?$|[/\\]etc[/\\](?:shadow|passwd|sudoers)|\bKeychains?[/\\]|login\.keychain|\.password-store|\.1password|logins\.json|key[34]\.db|\.bash_history|\.zsh_history|secrets?\.(?:json|ya?ml|toml)$|credentials\.(?:json|db|toml|ya?ml|xml)$|serviceaccount[/\\](?:token|namespace)|[/\\]proc[/\\](?:self|\d+)[/\\](?:environ|mem)|\.(?:pem|ppk|p12|pfx|keystore|jks)$|GitHub CLI|claude\.json|\.claude[/\\]\.credentials|auth\.json$/iu,
  walletPath:
    /\bwallet\.dat\b|\bExodus\b|exodus\.wallet|\bElectrum\b|\.electrum|[/\\]Atomic[/\\]|\bmetamask\b|nkbihfbeogaeaoehlefnkodbefgpgknn|\.ethereum[/\\]keystore|[/\\]keystore[/\\]UTC|\.config[/\\]solana|solana[/\\]id\.json|\.bitcoin\b|\bLedger Live\b|\bTrezor\b|\bCoinomi\b|\bGuarda\b|\bphantom\b.*(?:wallet|extension)|bfnaelmomeimhlpmgjnjophhpkkoljpa|\.sui[/\\]|\.monero|Daedalus|wallets?[/\\][^/\\]{0,40}\.(?:json|dat|key|aes)/iu,
  browserPath:
    /\bLogin Data\b|\bUser Data\b|Web Data$|\bCookies$|Cookies\.binarycookies|cookies\.sqlite|places\.sqlite|Local Extension Settings|Google[/\\]Chrome|google-chrome|BraveSoftware|Mozilla[/\\]Firefox|\.mozilla|Microsoft[/\\]Edge[/\\]|Opera Software|Local Storage[/\\]leveldb|\bLocal State$|Vivaldi|leveldb$|Application Support[/\\](?:Google|Firefox|Arc|Brave)|discord(?:canary|ptb)?[/\\]Local Storage/iu,
  autostartPath:
    /\.(?:bashrc|zshrc|zprofile|profile|bash_profile|bash_login|zshenv|xprofile|xinitrc|config[/\\]fish)\b|LaunchAgents|LaunchDaemons|[/\\]etc[/\\](?:cron|init\.d|rc\.local|systemd|profile\.d|ld\.so\.preload|crontab)|\bcron\.d\b|[/\\]spool[/\\]cron|systemd[/\\](?:user|system)|\.config[/\\]autostart|Start Menu[/\\]|Startup[/\\]|[/\\]Startup$|CurrentVersion\\{1,2}Run|authorized_keys|sitecustomize\.py|usercustomize\.py|\.pth$|\.desktop$|PowerShell_profile|Microsoft\.PowerShell_profile|autorun\.inf/iu,
  pipelinePath:
    /\.github[/\\]workflows|\.github[/\\]actions|\.gitlab-ci\.ya?ml|\.circleci|Jenkinsfile|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|\.travis\.ya?ml|\.drone\.ya?ml|\.buildkite|\.woodpecker|buildspec\.ya?ml|appveyor\.ya?ml|\.teamcity|actions-runner|contents[/\\]\.github/iu,
  hookPath:
    /\.git[/\\]hooks|[/\\]hooks[/\\](?:pre|post|commit|update|prepare)|\.husky[/\\]|core\.hooksPath|hooksPath|\.git[/\\]config\b|lefthook\.ya?ml|\.git-templates|init\.templateDir/iu,
  agentPath:
    /\bCLAUDE\.md\b|\bAGENTS\.md\b|\bGEMINI\.md\b|\.cursorrules|\.cursor[/\\]|\.windsurf|\.clinerules|copilot-instructions|\.mcp\.json|\bmcp\.json|claude_desktop_config|\.claude[/\\]|\.continue[/\\]|\.codex[/\\]|\.gemini[/\\]|\.aider|\.roo[/\\]|mcp_settings|\.amazonq|SKILL\.md/u,
  binaryPath:
    /(?:^|[/\\])(?:usr[/\\])?(?:local[/\\])?s?bin[/\\]|\.local[/\\]bin|node_modules[/\\]\.bin|\.exe\b|\.dll\b|\.scr\b|\.msi\b|\.dylib\b|\.so(?:\.\d+)?$|\.node$|\.app[/\\]Contents|System32|\.appimage$|\.bat$|\.cmd$|\.ps1$|\.vbs$|\.elf$|\.jar$|[/\\]opt[/\\]/iu,
  metadataUrl:
    /169\.254\.169\.254|169\.254\.170\.(?:2|23)\b|metadata\.google\.internal|metadata\.goog\b|100\.100\.100\.200|fd00:ec2::254|metadata\.azure\.|latest[/\\]meta-data|computeMetadata[/\\]v1|169\.254\.42\.42|2852039166|0xa9fea9fe|metadata[/\\]identity[/\\]oauth2|instance-data\.ec2|opc[/\\]v[12][/\\]/iu,
  absoluteUrl: /^(?:https?|wss?|ftp|tcp|udp):\/\/|^\/\/[a-z0-9-]+\./iu,
  dropUrl:
    /discord(?:app)?\.com\/api\/webhooks|api\.telegram\.org\/bot|hooks\.slack\.com|pastebin\.com|webhook\.site|requestbin|pipedream\.net|burpcollaborator|oastify\.com|oast\.(?:fun|live|pro|me|site|online)|interact\.sh|ngrok(?:-free)?\.(?:io|app|dev)|transfer\.sh|file\.io\b|anonfiles|gofile\.io|ipfs\.io\/ipfs|dnslog\.cn|canarytokens|rentry\.co|ghostbin|hastebin|0x0\.st|bashupload|temp\.sh/iu,
  mining:
    /stratum\+(?:tcp|ssl|tls)|stratum[12]?\+?:\/\/|\bxmrig\b|coinhive|coin-hive|cryptoloot|crypto-loot|\bcryptonight\b|\brandomx\b|minexmr|supportxmr|nanopool|moneroocean|--donate-level|mining\.(?:subscribe|authorize|submit|notify)|\bminerd\b|cpuminer|webminepool|jsecoin|monerominer|nicehash|\bethminer\b|\bphoenixminer\b|hashvault|nbminer|--algo[= ](?:rx|cn|kawpow|ghostrider)|\brx\/0\b|"?algo"?\s*[:=]\s*"(?:rx|cn|kawpow|ghostrider)|^(?:cn|cn-(?:lite|heavy|pico)|rx|argon2)\/(?:0|1|2|r|half|wow|xao|double|upx2|arq|sfx|trtl|chukwa(?:v2)?)$/iu,
  scannerTool:
    /\btruffle(?:hog|security)|\bgitleaks\b|\bdetect-secrets\b|\bnoseyparker\b|\bggshield\b|\bgit-secrets\b|\bwhispers\b --|\brepo-supervisor\b|\bgitrob\b|\bkingfisher\b scan|\bsecretlint\b|\btitus\b scan|\bripsecrets\b|\blazagne\b|\bmimikatz\b|\blinpeas\b|\bwinpeas\b/iu,
  publishes:
    /\b(?:npm|pnpm|yarn(?: npm)?|lerna|bun|jsr|deno) publish\b|\btwine upload\b|\b(?:vsce|ovsx|cargo|gem|poetry|flit|uv|hatch) (?:publish|push)\b|\bgem push\b|npm (?:token|owner|adduser|access|dist-tag)\b|-\/npm\/v1\/tokens|-\/whoami|maintainer:|-\/user\/org\.couchdb|\/-\/v1\/search\?/iu,
  downloads:
    /\bcurl\s+(?:-\S+\s+)*[\w-]+(?:\.[\w-]+)+|\bcurl\b[^|;&]*?(?:https?:|\$|\uFFFC|-[a-zA-Z]*[sLoO])|\bwget\b|Invoke-WebRequest|\biwr\b|Invoke-RestMethod|\birm\b|DownloadString|DownloadFile|Net\.WebClient|Start-BitsTransfer|certutil[^|]*urlcache|bitsadmin|\bfetch -o\b|urllib\.request|\baria2c\b|\bscp \S+@|\bmshta\b https?:|finger \S+@/iu,
  interprets:
    /\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\|\s*(?:node|python3?|perl|ruby|php|iex|osascript|source)\b|\biex\b|Invoke-Expression|-e(?:nc|ncodedcommand|c)\s+[A-Za-z0-9+/=]{8}|-EncodedCommand|\bbash\s+-c\b|\bsh\s+-c\b|\bbash\s+<\(|\$\(curl|`curl|base64\s+(?:-d|-D|--decode)|python3?\s+-c\b|perl\s+-e\b|ruby\s+-e\b|node\s+-e\b|\bosascript\s+-e|rundll32|regsvr32|\bmshta\b|wscript|cscript|\beval\s+"?\$|chmod\s+(?:\+x|[0-7]*7[0-7]*)|xxd -r|openssl enc/iu,
  reverseShell:
    /\/dev\/(?:tcp|udp)\/|\bnc(?:at)?\s+(?:-[a-z]*e|.*-e\s)|\bncat\b|\bmkfifo\b|\bsocat\b[^;]*exec|bash\s+-i|\bsh\s+-i\b|\bzsh\s+-i\b|pty\.spawn|TCPClient\(|Net\.Sockets|\btelnet\s+\S+\s+\d+\s*\||socket\.socket\(|msfvenom|meterpreter|fsockopen\(|inet_aton\(|TCPSocket\./iu,
  destroys:
    /\brm\s+-[a-z]*r[a-z]*\s+(?:--no-preserve-root\s+)?(?:-[a-z-]+\s+)*["']?(?:\/|~|\$HOME|\$\{HOME\}|\*|\.\/?$|\uFFFC)|--no-preserve-root|\bmkfs\b|\bdd\s+if=|\bformat\s+[a-z]:|del\s+\/[sfq]|rd\s+\/s|rmdir\s+\/s|\bshred\s+-|:\(\)\s*\{|cipher\s+\/w|vssadmin\s+delete|wipefs|Remove-Item\b.*-Recurse|> \/dev\/sd|find\s+\S+.*-delete/iu,
  walletAddress:
    /\b0x[a-fA-F0-9]{40}\b|\b(?:bc1[a-z0-9]{25,59}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})\b|\bT[1-9A-HJ-NP-Za-km-z]{33}\b|\b4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}\b|\baddr1[a-z0-9]{50,}|\bltc1[a-z0-9]{30,}|\bcosmos1[a-z0-9]{38}\b/u,
  agentBypass:
    /--dangerously-(?:skip-permissions|bypass|allow)|--yolo\b|--trust-all-tools|--allow-all(?:-tools|-paths)?\b|--full-auto\b|--auto-approve|--no-confirm|--skip-permissions|--dangerously|--approval-mode[= ](?:yolo|never|full)|--permission-mode[= ](?:bypass|acceptEdits)|bypassPermissions|--yes-always|--no-interactive\b|--ask-for-approval[= ]never|--sandbox[= ]danger|--accept-all|--unsafe\b|--non-interactive\b|--trust-tools/iu,
  agentTool:
    /^(?:claude|gemini|codex|aider|cursor-agent|copilot|opencode|goose|amp|q|kiro|qwen|cline|crush|llm|ollama|cody|continue|droid|windsurf|auggie|assistant|gh copilot)(?:\.exe|\.cmd)?(?: |$)|\b(?:claude|gemini|codex|cursor-agent|opencode|qwen|aider)\s+(?:-p|--prompt|exec|--print|--message|run|chat)\b|\bq chat\b|gh copilot/iu,
  autostartCommand:
    /\bcrontab\b|\bschtasks\b[^|]*\/create|\bsystemctl\s+(?:--user\s+)?(?:enable|start|daemon-reload)|\blaunchctl\s+(?:load|bootstrap|submit)|\breg(?:\.exe)?\s+add\b|New-ItemProperty|Register-ScheduledTask|\bsc(?:\.exe)?\s+create|\bat\s+now\b|update-rc\.d|pm2\s+(?:startup|save)|New-Service|>>?\s*~?\S*\.(?:bashrc|zshrc|profile)|git\s+config\b[^|]*(?:core\.hooksPath|templateDir|core\.fsmonitor|core\.sshCommand|core\.pager|alias\.)|ssh-copy-id|loginctl\s+enable-linger|wmic\s+.*(?:subscription|startup)/iu,
  hidesWindow:
    /-W(?:indowStyle)?\s+Hidden|\bnohup\b|>\s*\/dev\/null\s+(?:2>&1\s*)?&\s*$|&>\s*\/dev\/null\s*&\s*$|\bstart\s+\/(?:b|min)\b|\bsetsid\b|\bdisown\b|-NoP\b|-NonI\b|\b[wc]script(?:\.exe)?\s[^|]*(?:\/\/B\b|\.vbs\b|\.jse?\b)|-ExecutionPolicy\s+Bypass|-ep bypass|pythonw|WindowStyle=0|CreateNoWindow|conhost --headless/iu,
  media: /\.(?:png|jpe?g|gif|bmp|webp|ico|svg|wav|mp3|ogg|mp4|ttf|woff2?|tiff?|avif|otf|eot|pdf)$/iu,
  manifestPath: /(?:^|[/\\\uFFFC])(?:package\.json|setup\.py|pyproject\.toml|manifest\.json|plugin\.json)$/u,
  editorPath:
    /\.vscode[/\\]|\.vscode-server|Code[/\\]User|\.idea[/\\]|extensions[/\\]|app\.asar|resources[/\\]app|discord_desktop_core|node_modules[/\\](?!\.cache|\.bin)|workbench[/\\]workbench|workbench\.(?:desktop\.main\.)?(?:html|js)$/iu,
  pollutes:
    /"__proto__"|"constructor"\s*:\s*\{\s*"prototype"|'__proto__'|\[["']?__proto__|constructor["'\]]*\.?\[?["']?prototype|__proto__\./u,
  escapes:
    /\(["'](?:node:)?child_process["']\)|constructor\s*(?:\.|\[["'])\s*constructor|return\s+(?:this\.)?process\b|process\.(?:mainModule|binding|dlopen)|getBuiltinModule|mainModule\.require|require\(["'](?:node:)?(?:child_process|fs|net|os|vm|http)|import\(["'](?:node:)?(?:child_process|fs|net|os|vm|http)|__subclasses__|__globals__/u,
  detects:
    /\bvmware\b|virtualbox|\bvbox|\bqemu\b|\bhyper-?v\b|\bxen\b|HeadlessChrome|PhantomJS|\bselenium\b|webdriver|--inspect|\bTracerPid\b|\.dockerenv|systemd-detect-virt|wireshark|procmon|ollydbg|x64dbg|sandboxie|\bcuckoo\b|\bida(?:64|q)\b|fiddler|burpsuite|isDebuggerPresent|00:0c:29|00:50:56|08:00:27|\bany\.?run\b|joesandbox|--remote-debugging|proc\/1\/cgroup|\bfrida\b|\bghidra\b/iu,
  geolocates:
    /ip-api\.com|ipinfo\.io|ipapi\.co|freegeoip|geoip|ipify\.org|ifconfig\.(?:me|co)|icanhazip|ipgeolocation|country_(?:code|name)|checkip\./iu,
};

const rows = (Object.keys(topic) as TopicName[]).map((name) => ({ bit: topic[name], pattern: patterns[name] }));
const memo = new Map<string, number>();
const MAX_MEMO = 20_000;
const MAX_LENGTH = 4000;

/** The topics of one text; only its first 4,000 characters are read, which bounds the patterns that are not linear. */
export function topicsOf(text: string | undefined): number {
  if (text === undefined || text.length < 2) return 0;
  const known = memo.get(text);
  if (known !== undefined) return known;
  const head = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text;
  let topics = 0;
  for (const row of rows) if (row.pattern.test(head)) topics |= row.bit;
  if (memo.size >= MAX_MEMO) memo.clear();
  if (text.length <= 400) memo.set(text, topics);
  return topics;
}
