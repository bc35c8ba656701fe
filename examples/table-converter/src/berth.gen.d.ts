// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** CSV to JSON */
    "csv_to_json": {
      input: {
        "csv": string;
        "delimiter"?: "," | ";" | "\t" | "|" | undefined;
        "header"?: boolean | undefined;
        "types"?: boolean | undefined;
      };
      output: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "columns": (string)[];
        "delimiter": "," | ";" | "\t" | "|";
        "problems": ({
          "line": number;
          "message": string;
        })[];
        "problemCount": number;
      };
    };
    /** JSON to CSV */
    "json_to_csv": {
      input: {
        "rows": ({
          [name: string]: null | boolean | number | string;
        })[];
        "columns"?: (string)[] | undefined;
        "delimiter"?: "," | ";" | "\t" | "|" | undefined;
        "guardFormulas"?: boolean | undefined;
      };
      output: {
        "csv": string;
        "columns": (string)[];
        "guarded": number;
      };
    };
    /** Inspect a CSV */
    "inspect": {
      input: {
        "csv": string;
        "delimiter"?: "," | ";" | "\t" | "|" | undefined;
      };
      output: {
        "delimiter": "," | ";" | "\t" | "|";
        "rows": number;
        "columns": ({
          "name": string;
          "type": "empty" | "boolean" | "number" | "date" | "text";
          "missing": number;
          "distinct": number;
          "longest": number;
        })[];
        "problems": ({
          "line": number;
          "message": string;
        })[];
        "problemCount": number;
      };
    };
  };
}
