"use strict";
// The theme follows the system until a reader chooses; the choice is kept where the browser lets a file keep anything.
(() => {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const next = { system: "light", light: "dark", dark: "system" };
  let theme = "system";
  try {
    theme = localStorage.getItem("zsl-theme") || theme;
  } catch { /* a browser without storage for files: the system's theme */ }
  const show = () => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.querySelector("b").textContent = theme;
    dispatchEvent(new Event("zsl-theme"));
  };
  button.addEventListener("click", () => {
    theme = next[theme] || "system";
    try {
      localStorage.setItem("zsl-theme", theme);
    } catch { /* it holds until the page is closed */ }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  button.hidden = false;
  if (!(theme in next)) theme = "system";
  show();
})();
