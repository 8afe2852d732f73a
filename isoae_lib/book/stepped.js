/** Put controls above a plot, and draw what is recorded for their values.

`data` is what isoae_lib.book.stepped writes: `states`, by the positions of all controls, say what
changes in each trace. */
async function stepped(plot, figure, data) {
  function read({ shape, step, whole }) {
    const flat = Array.from(whole, (number) => number * step), [rows, along] = shape;
    if (shape.length < 2) return flat;
    return Array.from({ length: rows }, (_, row) => flat.slice(row * along, (row + 1) * along));
  }
  async function merged(trace, changes) {
    const values = await Promise.all(Object.entries(changes).map(async ([name, value]) => {
      if (value?.packed) return [name, await read(await unpacked(value))];
      if (value?.constructor === Object) return [name, await merged(trace[name] ?? {}, value)];
      return [name, value];
    }));
    return { ...trace, ...Object.fromEntries(values) };
  }
  const box = document.createElement("div");
  box.className = "stepped";
  plot.before(box);
  const inputs = data.controls.map(({ label, values, start, slider }) => {
    box.insertAdjacentHTML("beforeend", `<label><span>${label}</span> ${slider
      ? `<input type="range" min="0" max="${values.length - 1}" value="${start}"><output></output>`
      : `<select>${values.map((value, k) => `<option value="${k}">${value}</option>`).join("")}</select>`}</label>`);
    const input = box.lastElementChild.querySelector("input, select");
    input.value = start;
    return input;
  });
  box.insertAdjacentHTML("beforeend", `<p role="status"></p>`);

  async function show() {
    inputs.forEach((input, k) => {
      if (input.type !== "range") return;
      input.nextElementSibling.textContent = data.controls[k].values[input.value];
      input.setAttribute("aria-valuetext", data.controls[k].values[input.value]);
    });
    const key = inputs.map((input) => input.value).join(), state = data.states[key];
    box.lastElementChild.innerHTML = state.says;
    const traces = await Promise.all(figure.data.map((trace, k) => merged(trace, state.traces[k] ?? {})));
    if (key !== inputs.map((input) => input.value).join()) return; // moved on meanwhile
    const layout = { ...figure.layout, ...(plot.clientWidth < 600 ? data.narrow : {}) };
    const camera = plot.layout?.scene?.camera;
    if (camera) layout.scene = { ...layout.scene, camera }; // as the reader has turned it
    plot.style.height = `${layout.height}px`;
    await Plotly.react(plot, traces, layout);
    plot.dataset.shown = key;
  }
  for (const input of inputs) input.addEventListener("input", show);
  if (figure.layout.scene) { // a keyboard turns it, too
    box.lastElementChild.insertAdjacentHTML("beforebegin",
      `<label><span>turn</span> <input type="range" min="0" max="350" step="10" value="45"></label>`);
    box.querySelector("label:last-of-type input").addEventListener("input", (event) => {
      const angle = (event.target.value / 180) * Math.PI;
      const eye = { x: 1.77 * Math.cos(angle), y: 1.77 * Math.sin(angle), z: 1.25 };
      Plotly.relayout(plot, { "scene.camera.eye": eye });
    });
  }
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", data.alt);
  await show();
}
