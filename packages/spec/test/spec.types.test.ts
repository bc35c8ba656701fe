// Compile-time assertions: the check "types of tests" refuses this file when one of them stops to hold.
import test from "node:test";

import { isJsonFault, parseManifest, permissionOf, verifySchema } from "@berth/spec";
import type {
  DialectSchema,
  JsonDocument,
  JsonFault,
  Manifest,
  Permission,
  PermissionRequest,
  SecurityLevel,
  SpecErrorCode,
} from "@berth/spec";
import { expectTypeOf } from "expect-type";

test("a parsed manifest has every default filled in", () => {
  expectTypeOf(parseManifest).returns.toEqualTypeOf<Manifest>();
  expectTypeOf<Manifest["level"]>().toEqualTypeOf<SecurityLevel>();
  expectTypeOf<Manifest["permissions"]>().toEqualTypeOf<PermissionRequest[]>();
  expectTypeOf<Manifest["homepage"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Manifest["contributes"]["actions"][string]["input"]>().toEqualTypeOf<DialectSchema>();
  expectTypeOf<Manifest["contributes"]["actions"][string]["effect"]>().toEqualTypeOf<
    "pure" | "idempotent" | undefined
  >();
});

test("a permission's name decides its parameters", () => {
  type Network = Extract<Permission, { name: "network_restricted" }>;
  expectTypeOf<Network["hosts"]>().toEqualTypeOf<string[]>();
  expectTypeOf<Network["bytesPerDay"]>().toEqualTypeOf<number>();
  expectTypeOf<Network>().not.toHaveProperty("roots");
  // @ts-expect-error no such permission
  expectTypeOf<Permission["name"]>().toExtend<"network">();
});

test("a permission is a request without its words", () => {
  expectTypeOf(permissionOf).parameter(0).toEqualTypeOf<PermissionRequest>();
  expectTypeOf(permissionOf).returns.toEqualTypeOf<Permission>();
  expectTypeOf<PermissionRequest>().toHaveProperty("reason");
  expectTypeOf<Permission>().not.toHaveProperty("reason");
  expectTypeOf<Permission>().not.toHaveProperty("optional");
});

test("checks narrow what they checked", () => {
  const check = (schema: unknown, read: JsonDocument | JsonFault): void => {
    verifySchema(schema, "a schema");
    expectTypeOf(schema).toEqualTypeOf<DialectSchema>();
    if (isJsonFault(read)) expectTypeOf(read).toEqualTypeOf<JsonFault>();
    else expectTypeOf(read).toEqualTypeOf<JsonDocument>();
  };
  expectTypeOf(check).returns.toBeVoid();
});

test("error codes are words, not any text", () => {
  expectTypeOf<"SPEC_MANIFEST_INVALID">().toExtend<SpecErrorCode>();
  expectTypeOf<string>().not.toExtend<SpecErrorCode>();
});
