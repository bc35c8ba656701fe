/**
 * What Berth uses of quickjs.wasm (quickjs-wasi, c/interface.c). A `Box` is the address of a JSValue that
 * QuickJS keeps alive; 0 means that there was no memory for one. Few of these are freed: the whole memory
 * is put back after each call.
 */
export interface QuickJsExports {
  readonly __stack_pointer: WebAssembly.Global;
  _initialize(): void;
  /** Makes the one runtime and context; 0 when it could. */
  qjs_init2(intrinsics: number): number;
  qjs_set_memory_limit(bytes: number): void;
  qjs_set_max_stack_size(bytes: number): void;
  qjs_set_interrupt_handler(isOn: number): void;
  qjs_set_promise_rejection_handler(isOn: number): void;
  qjs_run_gc(): void;
  /** Answers with the address of the bytecode and writes its length to `lengthAt`; 0 when the code is not a script. */
  qjs_compile(code: number, length: number, fileName: number, flags: number, write: number, lengthAt: number): number;
  qjs_eval_bytecode(bytecode: number, length: number): Box;
  qjs_call(target: Box, self: Box, count: number, boxes: number): Box;
  qjs_is_job_pending(): number;
  /** Negative when the job threw. */
  qjs_execute_pending_job(): number;
  qjs_get_exception(): Box;
  /** What a settled promise holds. */
  qjs_promise_result(promise: Box): Box;
  /** The address of the object that a box holds. */
  qjs_get_value_ptr(value: Box): number;
  qjs_free_value(value: Box): void;
  qjs_get_undefined(): Box;
  qjs_new_number(value: number): Box;
  qjs_new_string(text: number, length: number): Box;
  qjs_new_uint8_array(data: number, length: number): Box;
  qjs_new_host_function(name: number, length: number, parameters: number): Box;
  qjs_get_prop_string(object: Box, name: number): Box;
  qjs_is_exception(value: Box): number;
  qjs_is_undefined(value: Box): number;
  qjs_is_number(value: Box): number;
  qjs_is_string(value: Box): number;
  qjs_is_object(value: Box): number;
  qjs_get_float64(value: Box): number;
  /** Writes the length to `lengthAt`; 0 when there was no memory. */
  qjs_get_string_len(value: Box, lengthAt: number): number;
  qjs_free_cstring(text: number): void;
  qjs_get_typed_array_buffer(value: Box, offsetAt: number, lengthAt: number, elementAt: number): Box;
  qjs_get_array_buffer(value: Box, lengthAt: number): number;
  wasm_malloc(bytes: number): number;
  wasm_free(address: number): void;
}

/** Address of a JSValue in the machine's memory. */
export type Box = number;
