export { quickjs } from "./quickjs.ts";
