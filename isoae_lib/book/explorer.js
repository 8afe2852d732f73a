/** Show what decoders make of the place that is pointed at, and of the line from A to B.

A place is a pair of numbers between 0 and 1, across and up. It is the same in both planes: their
own coordinates differ. `data` is what isoae_lib.book.explorer writes. */
async function explore(figure, data) {
  const PICTURES = 9, STEP = 0.02, LONG_STEP = 0.1, REACH = 22; // of the keys; pixels around a knob
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
  const KNOBS = { place: "place that is decoded", start: "start A of the line", end: "end B of the line" };
  const at = { place: [0.5, 0.5], start: [0.25, 0.35], end: [0.75, 0.65] };
  const [height, width] = data.picture;

  const planes = await Promise.all(data.planes.map(async (plane) => {
    const parts = ["mean", "components", "weights", "metric", "codes"];
    const arrays = await Promise.all(parts.map((name) => unpacked(plane[name])));
    return { ...plane, ...Object.fromEntries(parts.map((name, k) => [name, arrays[k]])) };
  }));
  const sized = (plane, [s, t]) => [0, 1].map((k) => plane.low[k] + [s, t][k] * (plane.high[k] - plane.low[k]));

  /** Return the shares of four neighbours at t of the way from the second to the third. */
  const cubic = (t) => [-t + 2 * t ** 2 - t ** 3, 2 - 5 * t ** 2 + 3 * t ** 3,
    t + 4 * t ** 2 - 3 * t ** 3, t ** 3 - t ** 2].map((share) => share / 2);

  /** Interpolate k numbers that are known on a grid. */
  function between({ shape: [count, side], step, whole }, place) {
    const found = new Float64Array(count), near = [], shares = [];
    for (const u of place) {
      const x = Math.min(Math.max(u, 0), 1) * (side - 1), first = Math.min(Math.floor(x), side - 2);
      near.push([-1, 0, 1, 2].map((k) => Math.min(Math.max(first + k, 0), side - 1)));
      shares.push(cubic(x - first));
    }
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        const share = shares[0][i] * shares[1][j] * step, start = near[0][i] * side + near[1][j];
        for (let k = 0; k < count; k++) found[k] += share * whole[k * side * side + start];
      }
    return found;
  }

  function image(plane, place) {
    const { mean, components } = plane, weights = between(plane.weights, place);
    return Float64Array.from(mean.whole, (start, pixel) => {
      let value = start * mean.step;
      for (let k = 0; k < weights.length; k++)
        value += weights[k] * components.step * components.whole[k * mean.whole.length + pixel];
      return value;
    });
  }

  /** Return the length of a straight way in the plane, measured by the metric. */
  function length(plane, from, to) {
    const [u, v] = [0, 1].map((k) => (to[k] - from[k]) * (plane.high[k] - plane.low[k]));
    let sum = 0;
    for (let part = 0; part < data.parts; part++) {
      const share = (part + 0.5) / data.parts;
      const g = between(plane.metric, [0, 1].map((k) => from[k] + share * (to[k] - from[k])));
      sum += Math.sqrt(Math.max(g[0] * u * u + 2 * g[1] * u * v + g[2] * v * v, 0));
    }
    return sum / data.parts;
  }

  function draw(canvas, pixels) {
    const ink = new ImageData(width, height);
    pixels.forEach((value, k) => {
      const shade = Math.round(255 * (1 - Math.min(Math.max(value, 0), 1)));
      ink.data.set([shade, shade, shade, 255], 4 * k);
    });
    canvas.getContext("2d").putImageData(ink, 0, 0);
  }

  const short = (number) => String(Number(number.toPrecision(2)));
  const put = (parent, html) => {
    parent.insertAdjacentHTML("beforeend", html);
    return parent.lastElementChild;
  };
  const canvas = (words) => `<canvas width="${width}" height="${height}" role="img" aria-label="${words}"></canvas>`;
  const dots = (plane, k) => data.labels.map((label, n) => {
    const x = plane.codes.whole[n] * plane.codes.step;
    const y = plane.codes.whole[data.labels.length + n] * plane.codes.step;
    return label === k ? `M${(1000 * x).toFixed()} ${(1000 * (1 - y)).toFixed()}h0` : "";
  }).join("");

  figure.insertAdjacentHTML("afterbegin", `<div class="live"></div>`);
  const live = figure.firstElementChild, panels = put(live, `<div class="panels"></div>`);
  const shown = planes.slice(0, 2);
  const sides = shown.map((_, number) => {
    const panel = put(panels, `<div class="panel"><b></b><div class="plane"><svg viewBox="0 0 1000 1000"
      preserveAspectRatio="none" aria-hidden="true"><g></g><line></line></svg></div>
      <div class="found">${canvas("The decoded image")}<span></span></div></div>`);
    const plane = panel.querySelector(".plane");
    const knobs = Object.fromEntries(Object.entries(KNOBS).map(([name, words]) => [name, put(plane,
      number ? `<span class="knob ${name}"></span>`
        : `<button type="button" class="knob ${name}" aria-label="The ${words}; arrow keys move it"></button>`)]));
    const strip = put(live, `<div class="strip"><p><b></b> <span></span></p><div class="pictures">${
      canvas("A step of the line").repeat(PICTURES)}</div><svg viewBox="0 0 ${PICTURES} 1"
      preserveAspectRatio="none" aria-hidden="true"></svg></div>`);
    return { panel, plane, knobs, strip };
  });
  const status = put(live, `<p class="status" role="status"></p>`);
  panels.insertAdjacentHTML("afterend", `<p class="classes">Codes: ${data.classes.map((name, k) =>
    `<span style="--colour: ${data.colours[k]}">${name}</span>`).join(" ")}</p>`);

  /** Say where a place is in a plane, and which code is nearest. */
  function words(plane, place) {
    const own = sized(plane, place), { whole, step } = plane.codes, count = data.labels.length;
    const far = data.labels.map((_, n) => {
      const code = sized(plane, [whole[n] * step, whole[count + n] * step]);
      return Math.hypot(code[0] - own[0], code[1] - own[1]);
    });
    const nearest = data.classes[data.labels[far.indexOf(Math.min(...far))]];
    return `(${own.map((x) => x.toFixed(2).replace("-", "\u2212")).join(", ")}), nearest code: ${nearest}`;
  }

  function showPlace() {
    sides.forEach(({ panel, knobs }, k) => {
      draw(panel.querySelector("canvas"), image(shown[k], at.place));
      panel.querySelector(".found span").textContent = words(shown[k], at.place);
      locate(knobs.place, at.place);
    });
  }

  function locate(knob, [s, t]) {
    knob.style.left = `${100 * s}%`;
    knob.style.top = `${100 * (1 - t)}%`;
  }

  function showLine() {
    const stops = Array.from({ length: PICTURES }, (_, n) =>
      [0, 1].map((k) => at.start[k] + (n / (PICTURES - 1)) * (at.end[k] - at.start[k])));
    const steps = shown.map((plane) => stops.slice(1).map((stop, n) => length(plane, stops[n], stop)));
    const even = steps.map((of) => of.reduce((sum, step) => sum + step) / of.length || 1);
    const top = Math.max(2, ...steps.map((of, k) => Math.max(...of) / even[k]));
    sides.forEach(({ plane, knobs, strip }, k) => {
      for (const name of ["start", "end"]) locate(knobs[name], at[name]);
      const ends = { x1: at.start[0], y1: 1 - at.start[1], x2: at.end[0], y2: 1 - at.end[1] };
      for (const [name, value] of Object.entries(ends))
        plane.querySelector("line").setAttribute(name, 1000 * value);
      strip.querySelectorAll("canvas").forEach((picture, n) => draw(picture, image(shown[k], stops[n])));
      const high = (step) => step / even[k] / top;
      strip.querySelector("svg").innerHTML = steps[k].map((step, n) =>
        `<rect x="${n + 0.7}" width="0.6" y="${1 - high(step)}" height="${high(step)}"/>`).join("")
        + `<path d="M0 ${1 - 1 / top}H${PICTURES}"/>`;
      const ratio = Math.max(...steps[k]) / Math.min(...steps[k]);
      strip.querySelector("span").textContent = Number.isFinite(ratio)
        ? `steps of ${short(even[k])} on average, the longest ${short(ratio)} times the shortest` : "";
    });
  }

  function move(name, place) {
    at[name] = place.map((u) => Math.min(Math.max(u, 0), 1));
    if (name === "place") showPlace(); else showLine();
  }

  function showPlane(k) {
    const plane = shown[k], { panel, strip } = sides[k];
    panel.style.setProperty("--colour", plane.colour);
    strip.style.setProperty("--colour", plane.colour);
    panel.querySelector("b").textContent = strip.querySelector("b").textContent = plane.title;
    const [wide, high] = [0, 1].map((axis) => plane.high[axis] - plane.low[axis]);
    panel.querySelector(".plane").style.aspectRatio = Math.min(Math.max(wide / high, 0.8), 1.4);
    panel.querySelector("g").innerHTML = data.colours.map((colour, label) =>
      `<path stroke="${colour}" d="${dots(plane, label)}"/>`).join("");
  }

  sides.forEach(({ plane, knobs }) => {
    let held = null;
    const placeOf = (event) => {
      const box = plane.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    };
    const near = (event) => ["start", "end"].find((name) => {
      const box = knobs[name].getBoundingClientRect();
      return Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2) < REACH;
    });
    plane.addEventListener("pointerdown", (event) => {
      held = near(event) ?? "place";
      plane.setPointerCapture(event.pointerId);
      move(held, placeOf(event));
    });
    plane.addEventListener("pointermove", (event) => {
      if (held || event.pointerType === "mouse") move(held ?? "place", placeOf(event));
    });
    for (const ending of ["pointerup", "pointercancel"]) plane.addEventListener(ending, () => { held = null; });
    for (const [name, knob] of Object.entries(knobs)) {
      knob.addEventListener("keydown", (event) => {
        const way = KEYS[event.key];
        if (!way) return;
        event.preventDefault();
        const far = event.shiftKey ? LONG_STEP : STEP;
        move(name, at[name].map((u, k) => u + far * way[k]));
        status.textContent = shown.map((of) => `${of.title}: ${words(of, at[name])}`).join("; ");
      });
    }
  });

  if (planes.length > 2) {
    const choice = put(live, `<label class="rival">Beside I-AE: <select>${planes.slice(1).map((plane, k) =>
      `<option value="${k + 1}">${plane.title}</option>`).join("")}</select></label>`);
    live.prepend(choice);
    choice.addEventListener("change", (event) => {
      shown[1] = planes[event.target.value];
      showPlane(1);
      showPlace();
      showLine();
    });
  }
  shown.forEach((_, k) => showPlane(k));
  showPlace();
  showLine();
  figure.classList.add("alive");
}
