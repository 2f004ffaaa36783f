// What grafana.json may have: Grafana's own schema, but nothing that is not in it, and enumerations by their value, as JSON has them.
// scripts/packaging has the compiler hold the file to it.
import type * as grafana from "@grafana/schema";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Closed<T> = { [K in keyof T as string extends K ? never : K]: T[K] };
type Written<T> = T extends string
  ? string extends T ? T : `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends (infer Item)[] ? Written<Item>[] : { [K in keyof T]?: Written<T[K]> };

// The schema leaves the queries of data sources open.
type Target = {
  refId: string;
  datasource: { type: "prometheus"; uid: string };
  expr: string;
  legendFormat: string;
  instant?: boolean;
  range?: boolean;
};
type Field<Custom> = Written<Closed<Omit<grafana.FieldConfig, "custom">>> & { custom?: Written<Closed<Custom>> };
type Panel<Type, Options, Custom> = Written<Closed<Omit<grafana.Panel, "type" | "targets" | "options" | "fieldConfig">>> & {
  type: Type;
  targets: Target[];
  options: Written<Closed<Options>>;
  fieldConfig: { defaults: Field<Custom>; overrides: grafana.FieldConfigSource["overrides"] };
};
type Row = Written<Closed<Omit<grafana.RowPanel, "type" | "panels">>> & { type: "row"; panels: [] };

export type Dashboard = Written<Closed<Omit<grafana.Dashboard, "panels" | "templating">>> & {
  templating: { list: Written<Closed<grafana.VariableModel>>[] };
  panels: (Row | Panel<"stat", stat.Options, never> | Panel<"timeseries", timeseries.Options, timeseries.FieldConfig>)[];
};
