// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** Transform rows */
    "transform": {
      input: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "steps": ({
          "step": "select";
          "columns": (string)[];
        } | {
          "step": "drop";
          "columns": (string)[];
        } | {
          "step": "rename";
          "from": string;
          "to": string;
        } | {
          "step": "fill";
          "column": string;
          "value": null | boolean | number | string;
        } | {
          "step": "cast";
          "column": string;
          "to": "number" | "text" | "boolean";
        } | {
          "step": "compute";
          "as": string;
          "op": "add" | "subtract" | "multiply" | "divide" | "concat";
          "left": {
            "column": string;
          } | {
            "value": null | boolean | number | string;
          };
          "right": {
            "column": string;
          } | {
            "value": null | boolean | number | string;
          };
        } | {
          "step": "sort";
          "by": ({
            "column": string;
            "descending"?: boolean | undefined;
          })[];
        } | {
          "step": "distinct";
          "columns"?: (string)[] | undefined;
        } | {
          "step": "limit";
          "count": number;
          "offset"?: number | undefined;
        })[];
      };
      output: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "failedCells": number;
      };
    };
    /** Filter rows */
    "filter": {
      input: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "where": ({
          "column": string;
          "op": "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "in" | "contains" | "startsWith" | "endsWith" | "missing" | "present";
          "value"?: null | boolean | number | string | (null | boolean | number | string)[] | undefined;
        })[];
        "match"?: "all" | "any" | undefined;
        "invert"?: boolean | undefined;
      };
      output: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "kept": number;
        "dropped": number;
      };
    };
    /** Aggregate rows */
    "aggregate": {
      input: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "groupBy"?: (string)[] | undefined;
        "measures": ({
          "op": "count" | "missing" | "distinct" | "sum" | "mean" | "min" | "max" | "median" | "variance" | "stddev" | "first" | "last";
          "column"?: string | undefined;
          "as"?: string | undefined;
        })[];
      };
      output: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "groups": number;
        "skipped": number;
      };
    };
    /** Normalize columns */
    "normalize": {
      input: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "columns": (string)[];
        "method"?: "min-max" | "z-score" | "robust" | "max-abs" | undefined;
      };
      output: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "scalings": ({
          "column": string;
          "shift": number;
          "scale": number;
          "scaled": number;
          "missing": number;
          "skipped": number;
        })[];
      };
    };
  };
}
