import { render } from "preact";
import { App } from "./app.tsx";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { applyTheme } from "./theme.ts";

applyTheme();
render(<App />, document.getElementById("page")!);
