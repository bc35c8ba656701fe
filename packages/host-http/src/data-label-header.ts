/** Of an answer or error of a call: `{"mayLeaveTo":["api.example.com"]}`, where the user's data in it may be sent to. */
export const DATA_LABEL_HEADER = "berth-data-label";
