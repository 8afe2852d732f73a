/** Return whole numbers that isoae_lib.book.packed wrote, with their shape and their unit. */
async function unpacked({ shape, step, packed }) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const whole = new Int16Array(await new Response(stream).arrayBuffer());
  const along = shape.at(-1), across = along * (shape.at(-2) ?? 1);
  for (let k = 0; k < whole.length; k++) if (k % along) whole[k] += whole[k - 1];
  for (let k = 0; k < whole.length; k++) if (k % across >= along) whole[k] += whole[k - along];
  return { shape, step, whole };
}
