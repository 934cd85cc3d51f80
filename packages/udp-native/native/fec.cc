// The functions `combine`, Reed-Solomon's products over shards of a caller's slab, and `solve`, which finds the matrix that
// rebuilds lost ones.
#include "glue.h"
#include "rs.h"

namespace millrace {

namespace {

// What `combine` was given, once all of it has been checked.
struct Shards {
  const uint8_t* inputs[kMostShards];
  uint8_t* outputs[kMostShards];
};

bool CheckOffsets(napi_env env, const Bytes& slab, const Words& offsets, uint32_t count, uint32_t length,
                  const char* name) {
  if (count > offsets.length) {
    Fail(env, kRange, "%u %s, but %zu offsets", count, name, offsets.length);
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (Fits(offsets.data[i], length, slab.length)) continue;
    Fail(env, kRange, "%s[%u] at %u lies outside the slab", name, i, offsets.data[i]);
    return false;
  }
  return true;
}

// combine(slab, shardBytes, inputs, inputCount, outputs, outputCount, matrix, stride, kernel?)
napi_value Combine(napi_env env, napi_callback_info info) {
  Args args(env, info);
  const RsKernel* kernels;
  const size_t kernel_count = RsKernels(&kernels);
  Bytes slab, matrix;
  Words inputs, outputs;
  uint32_t length, input_count, output_count, stride, kernel = 0;
  if (!GetBytes(env, args[0], "slab", &slab) || !GetInteger(env, args[1], "shardBytes", UINT32_MAX, &length) ||
      !GetWords(env, args[2], "inputs", &inputs) ||
      !GetInteger(env, args[3], "inputCount", kMostShards, &input_count) ||
      !GetWords(env, args[4], "outputs", &outputs) ||
      !GetInteger(env, args[5], "outputCount", kMostShards, &output_count) ||
      !GetBytes(env, args[6], "matrix", &matrix) || !GetInteger(env, args[7], "stride", UINT16_MAX, &stride)) {
    return nullptr;
  }
  if (!IsUndefined(env, args[8]) &&
      !GetInteger(env, args[8], "kernel", static_cast<uint32_t>(kernel_count - 1), &kernel)) {
    return nullptr;
  }
  if (!CheckOffsets(env, slab, inputs, input_count, length, "inputs") ||
      !CheckOffsets(env, slab, outputs, output_count, length, "outputs")) {
    return nullptr;
  }
  if (stride < input_count) return Fail(env, kRange, "a row of %u has no room for %u inputs", stride, input_count);
  if (output_count == 0 || length == 0) return nullptr;
  if (static_cast<size_t>(stride) * (output_count - 1) + input_count > matrix.length) {
    return Fail(env, kRange, "the matrix has %zu bytes, too few for %u rows of %u", matrix.length, output_count, stride);
  }
  Shards shards;
  for (uint32_t i = 0; i < input_count; i++) shards.inputs[i] = slab.data + inputs.data[i];
  for (uint32_t i = 0; i < output_count; i++) {
    shards.outputs[i] = slab.data + outputs.data[i];
    bool over = Overlap(shards.outputs[i], length, matrix.data, matrix.length);
    for (uint32_t j = 0; j < i; j++) over |= Overlap(shards.outputs[i], length, shards.outputs[j], length);
    for (uint32_t j = 0; j < input_count; j++) over |= Overlap(shards.outputs[i], length, shards.inputs[j], length);
    if (over) return Fail(env, kRange, "outputs[%u] overlaps what is still read", i);
  }
  kernels[kernel].run({matrix.data, stride, shards.outputs, output_count, shards.inputs, input_count, length});
  return nullptr;
}

// solve(left, right, size, columns, stride): whether left has an inverse
napi_value Solve(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Bytes left, right;
  uint32_t size, columns, stride;
  if (!GetBytes(env, args[0], "left", &left) || !GetBytes(env, args[1], "right", &right) ||
      !GetInteger(env, args[2], "size", kMostShards, &size) ||
      !GetInteger(env, args[3], "columns", kMostShards, &columns) ||
      !GetInteger(env, args[4], "stride", UINT16_MAX, &stride)) {
    return nullptr;
  }
  if (stride < size || stride < columns) {
    return Fail(env, kRange, "a row of %u has no room for %u and %u columns", stride, size, columns);
  }
  const size_t rows_before = size == 0 ? 0 : static_cast<size_t>(stride) * (size - 1);
  if (size > 0 && (rows_before + size > left.length || rows_before + columns > right.length)) {
    return Fail(env, kRange, "%zu and %zu bytes are too few for %u rows of %u", left.length, right.length, size, stride);
  }
  if (Overlap(left.data, left.length, right.data, right.length)) return Fail(env, kRange, "left and right overlap");
  napi_value result = nullptr;
  napi_get_boolean(env, RsSolve(left.data, right.data, size, columns, stride), &result);
  return result;
}

}  // namespace

void InitFec(napi_env env, napi_value exports) {
  const RsKernel* kernels;
  const size_t count = RsKernels(&kernels);
  const char* names[3];
  for (size_t i = 0; i < count; i++) names[i] = kernels[i].name;
  napi_set_named_property(env, exports, "kernels", TextArray(env, names, count));
  SetFunction(env, exports, "combine", Combine);
  SetFunction(env, exports, "solve", Solve);
}

}  // namespace millrace
