// Written by `berth types` from manifest.json. Do not edit: change the manifest instead.
export interface Plugin {
  actions: {
    /** List events */
    "events": {
      input: {
        "ics": string;
        "from": string;
        "to": string;
      };
      output: {
        "events": ({
          "uid": string;
          "title": string;
          "from": string;
          "to": string;
          "isAllDay": boolean;
          "isRecurring": boolean;
          "isBusy": boolean;
          "place": string;
          "status": "confirmed" | "tentative" | "cancelled";
        })[];
        "warnings": (string)[];
      };
    };
    /** Find free time */
    "free_time": {
      input: {
        "ics": string;
        "from": string;
        "to": string;
        "minutes": number;
        "dayStart"?: string | undefined;
        "dayEnd"?: string | undefined;
      };
      output: {
        "slots": ({
          "from": string;
          "to": string;
          "minutes": number;
        })[];
        "warnings": (string)[];
      };
    };
    /** Find conflicts */
    "conflicts": {
      input: {
        "ics": string;
        "from": string;
        "to": string;
      };
      output: {
        "conflicts": ({
          "first": {
            "uid": string;
            "title": string;
            "from": string;
            "to": string;
            "isAllDay": boolean;
            "isRecurring": boolean;
            "isBusy": boolean;
            "place": string;
            "status": "confirmed" | "tentative" | "cancelled";
          };
          "second": {
            "uid": string;
            "title": string;
            "from": string;
            "to": string;
            "isAllDay": boolean;
            "isRecurring": boolean;
            "isBusy": boolean;
            "place": string;
            "status": "confirmed" | "tentative" | "cancelled";
          };
          "minutes": number;
        })[];
        "warnings": (string)[];
      };
    };
    /** Write a calendar */
    "write": {
      input: {
        "name"?: string | undefined;
        "now": string;
        "events": ({
          "uid": string;
          "title": string;
          "from": string;
          "to": string;
          "place"?: string | undefined;
          "rule"?: string | undefined;
        })[];
      };
      output: {
        "ics": string;
      };
    };
  };
}
