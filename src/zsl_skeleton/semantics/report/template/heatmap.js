// The similarity of all pairs of classes, drawn from one byte per pair.
(() => {
  const source = document.getElementById("data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const get = (id) => document.getElementById(id);
  const names = [...document.querySelectorAll("details.class > summary .name")].map((element) => element.textContent);
  const count = names.length, MISSING = 255, PAIRS = 12;
  const canvas = get("map"), slotChoice = get("map-slot"), splitChoice = get("map-split"), orderChoice = get("map-order");
  const pen = canvas.getContext("2d");
  let order = [], unseen = new Set(), cells = new Uint8Array(), box = {}, chosen = null;

  // The first slot that says how the body moves tells more than names do.
  const first = Math.max(data.slots.findIndex((slot) => slot.name === "motion"), 0);
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  data.slots.forEach((slot, index) => slotChoice.append(option(index, slot.name)));
  data.splits.forEach((split, index) => splitChoice.append(option(index, split.name || "none")));
  slotChoice.value = first;

  // Level of a pair; pairs are stored row by row above the diagonal.
  const level = (a, b) => {
    const [i, j] = a < b ? [a, b] : [b, a];
    return cells[i * (2 * count - i - 1) / 2 + j - i - 1];
  };
  const value = (slot, cell) => (slot.low + (slot.high - slot.low) * cell / (MISSING - 1)).toFixed(2).replace("-0.00", "0.00");

  // A colour of the style sheet as numbers; custom properties resolve only where a real property uses them.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  };
  const scale = () => {
    const stops = ["heat-0", "heat-1", "heat-2"].map(colour);
    return Array.from({ length: MISSING }, (_, cell) => {
      const at = 2 * cell / (MISSING - 1), low = Math.min(Math.floor(at), 1);
      return stops[low].map((from, channel) => from + (stops[low + 1][channel] - from) * (at - low));
    });
  };

  const layout = () => {
    const width = canvas.clientWidth, named = width / count >= 16 && width >= 600;
    pen.font = "12px system-ui, sans-serif";
    const widest = Math.max(...names.map((name) => pen.measureText(name).width));
    const margin = named ? Math.min(widest + 34, width * 0.3) : 30;
    const cell = (width - margin - 8) / count;
    box = { width, margin, top: 22, cell, named, height: 22 + cell * count };
  };

  const fitted = (text, room) => {
    if (pen.measureText(text).width <= room) return text;
    let short = text;
    while (short && pen.measureText(short + "…").width > room) short = short.slice(0, -1);
    return short + "…";
  };

  const drawCells = () => {
    const colours = scale(), empty = colour("panel"), self = colour("line");
    const image = new ImageData(count, count);
    order.forEach((a, row) => order.forEach((b, column) => {
      const cell = a === b ? null : level(a, b);
      const paint = cell === null ? self : cell === MISSING ? empty : colours[cell];
      image.data.set([...paint, 255], 4 * (row * count + column));
    }));
    const small = new OffscreenCanvas(count, count);
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, box.margin, box.top, box.cell * count, box.cell * count);
  };

  const drawLabels = () => {
    const ink = `rgb(${colour("soft")})`, accent = `rgb(${colour("unseen")})`;
    const step = [1, 2, 5, 10, 20].find((size) => size * box.cell >= (box.named ? 14 : 22)) || 50;
    pen.textBaseline = "middle";
    order.forEach((index, place) => {
      const at = (place + 0.5) * box.cell;
      pen.fillStyle = unseen.has(index) ? accent : ink;
      if (unseen.has(index)) {
        pen.fillRect(box.margin - 5, box.top + place * box.cell, 4, Math.max(box.cell - 0.5, 1));
        pen.fillRect(box.margin + place * box.cell, box.top - 5, Math.max(box.cell - 0.5, 1), 4);
      }
      if (place % step) return;
      pen.textAlign = "right";
      const text = box.named ? fitted(names[index], box.margin - 34) + " " + index : String(index);
      pen.fillText(text, box.margin - 8, box.top + at);
      pen.textAlign = "center";
      pen.fillText(String(index), box.margin + at, 9);
    });
  };

  const draw = () => {
    layout();
    const dense = devicePixelRatio || 1;
    canvas.width = Math.round(box.width * dense);
    canvas.height = Math.round(box.height * dense);
    canvas.style.height = `${box.height}px`;
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.font = "12px system-ui, sans-serif";
    drawCells();
    drawLabels();
    if (chosen) {
      pen.strokeStyle = `rgb(${colour("unseen")})`;
      pen.lineWidth = 2;
      pen.strokeRect(box.margin + chosen[1] * box.cell, box.top + chosen[0] * box.cell, box.cell, box.cell);
    }
  };

  const tell = () => {
    const slot = data.slots[slotChoice.value], [a, b] = chosen.map((place) => order[place]);
    const kind = (index) => unseen.has(index) ? "unseen" : "seen";
    const split = Number(splitChoice.value) < data.splits.length - 1;
    const called = [a, b].map((index) => `${index} ${names[index]}${split ? ` (${kind(index)})` : ""}`);
    const cell = a === b ? null : level(a, b);
    const cosine = cell === MISSING ? "no text" : cell === null ? "" : value(slot, cell);
    get("map-pair").textContent = cell === null ? called[0] : `${called[0]} × ${called[1]}: ${cosine}`;
  };

  const choose = (row, column) => {
    if (row < 0 || column < 0 || row >= count || column >= count) return;
    chosen = [row, column];
    draw();
    tell();
  };

  // The pairs with the highest levels, in words.
  const list = (slot) => {
    const pairs = [];
    for (let a = 0, at = 0; a < count; a += 1) {
      for (let b = a + 1; b < count; b += 1, at += 1) if (cells[at] !== MISSING) pairs.push([cells[at], a, b]);
    }
    pairs.sort((one, other) => other[0] - one[0]);
    get("pairs").replaceChildren(...pairs.slice(0, PAIRS).map(([cell, ...pair]) => {
      const item = document.createElement("li"), both = document.createElement("div"), cosine = document.createElement("b");
      cosine.textContent = value(slot, cell);
      for (const index of pair) {
        const name = document.createElement("span");
        name.textContent = `${index} ${names[index]}`;
        name.className = unseen.has(index) ? "unseen" : "";
        both.append(name);
      }
      item.append(cosine, both);
      return item;
    }));
  };

  const update = () => {
    const slot = data.slots[slotChoice.value], split = data.splits[splitChoice.value];
    cells = Uint8Array.from(atob(slot.cells), (letter) => letter.charCodeAt(0));
    unseen = new Set(split.unseen);
    order = names.map((_, index) => index);
    if (orderChoice.value === "unseen") order.sort((a, b) => unseen.has(a) - unseen.has(b) || a - b);
    get("map-low").textContent = slot.low.toFixed(2);
    get("map-high").textContent = slot.high.toFixed(2);
    draw();
    list(slot);
    if (chosen) tell();
  };

  const point = (event) => choose(
    Math.floor((event.offsetY - box.top) / box.cell), Math.floor((event.offsetX - box.margin) / box.cell));
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = chosen || [0, 0];
    choose(row + step[0], column + step[1]);
  });
  for (const choice of [slotChoice, splitChoice, orderChoice]) choice.addEventListener("change", update);
  addEventListener("zsl-theme", draw);
  new ResizeObserver(() => canvas.clientWidth !== box.width && draw()).observe(canvas);
  update();
})();
