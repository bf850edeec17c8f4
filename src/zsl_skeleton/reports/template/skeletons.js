// Clips that move: the page shows still frames until this script plays them, which it does not by itself where the
// reader asked for reduced motion.
(() => {
  const source = document.getElementById("data");
  if (!source) return;
  const { clips, bones } = JSON.parse(source.textContent);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const SIDES = ["middle", "left", "right"];

  const decoded = (clip) => Uint8Array.from(atob(clip.xyz), (letter) => letter.charCodeAt(0));

  // Joint j of frame t and person p, turned about the vertical axis through the middle of the clip.
  const place = (clip, data, frame, person, joint, turn) => {
    const at = 3 * ((frame * clip.persons + person) * clip.joints + joint);
    const x = data[at] - 127.5, z = data[at + 2] - 127.5;
    return [(x * Math.cos(turn) + z * Math.sin(turn)) * clip.scale + clip.centre, (255 - data[at + 1]) * clip.scale + clip.top];
  };

  const draw = (figure, frame, turn) => {
    const { clip, data, paths } = figure;
    for (const [person, sides] of paths.entries()) {
      const parts = [[], [], []];
      for (const [from, to, side] of bones) {
        const a = place(clip, data, frame, person, from, turn), b = place(clip, data, frame, person, to, turn);
        parts[side].push(`M${a[0].toFixed(1)} ${a[1].toFixed(1)}L${b[0].toFixed(1)} ${b[1].toFixed(1)}`);
      }
      SIDES.forEach((_, side) => sides[side].setAttribute("d", parts[side].join("") || "M0 0"));
    }
    figure.drawing.querySelector(".still").setAttribute("visibility", frame === figure.first && turn === 0 ? "visible" : "hidden");
    figure.clock.textContent = `frame ${frame + 1} of ${clip.frames}`;
  };

  for (const gallery of document.querySelectorAll(".gallery.clips")) {
    const controls = gallery.previousElementSibling;
    const button = controls.querySelector(".play"), slider = controls.querySelector(".turn");
    const figures = [...gallery.querySelectorAll("svg[data-clip]")].map((drawing) => {
      const clip = clips[Number(drawing.dataset.clip)];
      const paths = [...drawing.querySelectorAll("g.person")].map((g) => SIDES.map((side) => g.querySelector(`.${side}`)));
      return { drawing, clip, data: decoded(clip), paths, clock: drawing.querySelector(".clock"), first: clip.still };
    });
    let playing = false, started = 0, shown = -1;
    const turn = () => Number(slider.value) * Math.PI / 180;
    const tick = (now) => {
      if (!playing) return;
      const frame = Math.floor((now - started) / 1000 * 15);
      if (frame !== shown) {
        shown = frame;
        // Every clip holds its last frame for a moment before it starts again.
        for (const figure of figures) draw(figure, Math.min(frame % (figure.clip.frames + 8), figure.clip.frames - 1), turn());
      }
      requestAnimationFrame(tick);
    };
    const set = (on) => {
      playing = on;
      button.textContent = on ? "Pause" : "Play";
      button.setAttribute("aria-pressed", String(on));
      if (on) {
        started = performance.now() - Math.max(shown, 0) / 15 * 1000;
        requestAnimationFrame(tick);
      }
    };
    button.addEventListener("click", () => set(!playing));
    slider.addEventListener("input", () => {
      if (!playing) for (const figure of figures) draw(figure, shown < 0 ? figure.first : Math.min(shown % (figure.clip.frames + 8), figure.clip.frames - 1), turn());
    });
    calm.addEventListener("change", () => { if (calm.matches) set(false); });
    controls.hidden = false;
    // Nothing moves while it is out of sight.
    new IntersectionObserver((entries) => {
      const visible = entries.some((entry) => entry.isIntersecting);
      if (!visible && playing) { set(false); gallery.dataset.waiting = "1"; }
      else if (visible && (gallery.dataset.waiting || !("seen" in gallery.dataset)) && !calm.matches) {
        delete gallery.dataset.waiting;
        gallery.dataset.seen = "1";
        set(true);
      }
    }).observe(gallery);
  }
})();
