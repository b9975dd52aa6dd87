"use strict";
// What the page holds: axes and fields, unpacked.

const KINDS = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array };
const WHOLE = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

async function unzipped(text) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The inverse of hillopt/pages/packing.py: byte planes put together, differences along rows summed up.
async function unpacked(field, row, beside) {
  const bytes = await unzipped(field.data), Kind = KINDS[field.dtype];
  const size = Kind.BYTES_PER_ELEMENT, length = bytes.length / size, whole = new WHOLE[size](length);
  for (let plane = 0; plane < size; plane++) {
    for (let index = 0; index < length; index++) whole[index] |= bytes[plane * length + index] << (8 * plane);
  }
  for (let index = 0; index < length; index++) if (index % row) whole[index] += whole[index - 1];
  if (field.is_beside) beside.forEach((bits, index) => { whole[index] += bits; });
  return new Kind(whole.buffer);
}

class Field {
  constructor(packed, lengths) {
    Object.assign(this, packed);
    this.lengths = this.dims.map((name) => lengths[name]);
    this.strides = this.lengths.map((_, at) => this.lengths.slice(at + 1).reduce((a, b) => a * b, 1));
    this.is_flags = Object.keys(this.flags).length > 0;
  }
  // `first` is the field that others may be told beside.
  async unpack(first) {
    const beside = this.is_beside ? new Uint32Array(first.values.buffer) : null;
    this.values = await unpacked(this, this.lengths[this.lengths.length - 1], beside);
    delete this.data;
  }
  // The value at indices by dimension's name.
  at(place) {
    let offset = 0;
    for (let at = 0; at < this.dims.length; at++) offset += this.strides[at] * (place[this.dims[at]] ?? 0);
    return this.values[offset];
  }
  stride(name) {
    const at = this.dims.indexOf(name);
    return at < 0 ? 0 : this.strides[at];
  }
}
