/** A name that people trust, and how much: the weight is a rough order of its weekly downloads (1–10). */
export interface KnownName {
  readonly name: string;
  readonly weight: number;
}

const names: Readonly<Record<number, string>> = {
  10: "lodash chalk debug semver commander react express axios glob typescript tslib uuid yargs async inquirer webpack babel eslint prettier jest moment dotenv request underscore minimist mkdirp rimraf ws bluebird rxjs vue jquery",
  9: "react-dom redux next fs-extra body-parser cross-env cors mongoose mongodb socket.io socket.io-client node-fetch cheerio colors handlebars ejs pug graphql winston pino nodemon mocha chai sinon postcss autoprefixer rollup vite esbuild terser ethers web3 validator joi yup zod ajv classnames prop-types styled-components puppeteer playwright electron sharp",
  8: "date-fns dayjs luxon ramda immer immutable formik jsonwebtoken bcrypt bcryptjs passport helmet morgan multer nodemailer mysql mysql2 sqlite3 sequelize typeorm prisma redis ioredis knex amqplib kafkajs aws-sdk firebase stripe twilio discord.js telegraf execa shelljs cross-spawn concurrently husky lint-staged ora boxen figlet chokidar got superagent needle qs mime form-data ua-parser-js coa rc event-stream flatmap-stream",
  7: "angular svelte preact lit three d3 chart.js leaflet bootstrap tailwindcss sass less stylus gulp grunt browserify parcel turbo lerna nx babel-cli babel-core react-native expo vue-cli angular-cli node-sass ts-node tsx swc zustand mobx recoil react-router react-router-dom react-query swr apollo-client graphql-tag fastify koa hapi nestjs nanoid shortid minimatch micromatch picomatch ansi-styles supports-color strip-ansi color-convert color-name wrap-ansi error-ex is-arrayish simple-swizzle slice-ansi has-ansi",
  6: "left-pad is-odd is-number is-promise kind-of escape-string-regexp object-assign readable-stream safe-buffer iconv-lite bn.js elliptic crypto-js tweetnacl node-forge openpgp jszip archiver tar unzipper xml2js fast-xml-parser js-yaml toml ini papaparse csv-parse pdfkit exceljs xlsx marked showdown highlight.js prismjs dompurify sanitize-html jsdom parse5 htmlparser2 css-select nth-check patch-package dotenv-expand config convict",
};

/** The default list. Registries pass their own, with the weight of their own downloads. */
export const wellKnownNames: readonly KnownName[] = Object.entries(names).flatMap(([weight, list]) =>
  list.split(" ").map((name) => ({ name, weight: Number(weight) })),
);

/** Scopes under which well-known packages are published. */
export const wellKnownScopes: readonly string[] =
  "@babel @types @angular @vue @nestjs @aws-sdk @google-cloud @azure @mui @emotion @reduxjs @tanstack @testing-library @typescript-eslint @sentry @octokit @prisma @storybook @rollup @vitejs @svelte @solana @ethersproject @openai @anthropic-ai @huggingface @modelcontextprotocol".split(
    " ",
  );

/** Names of companies and products that impostors borrow. */
export const wellKnownBrands: readonly string[] = (
  "stripe paypal github gitlab google microsoft amazon facebook openai anthropic slack discord telegram twitter shopify salesforce atlassian " +
  "cloudflare vercel netlify docker kubernetes mozilla apple netflix spotify dropbox adobe oracle coinbase metamask binance ledger trezor " +
  "notion figma linear hubspot zendesk mailchimp twilio sendgrid datadog sentry mongodb elastic grafana"
).split(" ");
