/** An error with the name that the web gives it. There is no DOMException: it is an `Error`, told by its name. */
export function namedError(name: string, message: string): Error {
  const error = new Error(message);
  Object.defineProperty(error, "name", { value: name, writable: true, enumerable: false, configurable: true });
  return error;
}
