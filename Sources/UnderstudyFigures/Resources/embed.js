// Replaces each static picture by its interactive twin, which takes the page's width as well. A picture whose script fails stays,
// and so does one of more marks than a browser moves easily.
const options = { actions: { export: true, source: false, compiled: false, editor: false }, renderer: "svg" };
const greatestCount = 20000;
let data;
for (const view of document.querySelectorAll("[data-specification]")) {
  const holder = document.createElement("div");
  try {
    const specification = JSON.parse(document.getElementById(view.dataset.specification).textContent);
    if (view.dataset.asBefore) specification.data = data;
    data = structuredClone(specification.data);
    if (data?.values?.length > greatestCount) continue;
    await window.vegaEmbed(holder, specification, { ...options, downloadFileName: view.dataset.name });
    view.querySelector("img").replaceWith(holder);
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", specification.description);
  } catch (error) {
    console.error(error);
  }
}
