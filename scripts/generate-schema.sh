#!/bin/sh
# Regenerates converters/schema/onnx.js and onnx.d.ts from converters/schema/onnx.proto. To move to a newer ONNX,
# replace onnx.proto by the one of its release (onnx/onnx.proto) first.
set -eu
cd "$(dirname "$0")/../converters/schema"
npx --yes --package protobufjs-cli@2.7.1 pbjs --target static-module --wrap esm --dependency protobufjs/minimal.js \
  --root onnx-dfkd --no-create --no-convert --no-delimited --no-verify --no-typeurl --no-service \
  --dts --out onnx.js onnx.proto
# 64-bit integers arrive as the Long of protobufjs' own dependency; its type is not ours to import.
sed -i.bak 's|^import Long = require("long");$|interface Long { low: number; high: number; unsigned: boolean; }|' onnx.d.ts
rm onnx.d.ts.bak
