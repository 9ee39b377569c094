// What a dashboard of ours may be: Grafana's own types, with the options of each kind of panel, and the
// parts that the schema leaves to Prometheus's data source. Unknown keys and wrong values do not compile.

import type { AnnotationQuery, Dashboard as Base, DataSourceRef, Panel as BasePanel, RowPanel } from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { FieldConfig as HeatmapField, Options as Heatmap } from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { FieldConfig as StatesField, Options as States } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { FieldConfig as TableField, Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { FieldConfig as LinesField, Options as Lines } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has no enums: a string enum may be any of its values.
type Plain<T> = unknown extends T ? T
  : T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends Array<infer Item> ? Plain<Item>[]
  : { [Key in keyof T]: Plain<T[Key]> };

interface Target {
  datasource: DataSourceRef;
  editorMode: 'code';
  expr: string;
  format: 'time_series' | 'heatmap' | 'table';
  instant: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
}

interface Link { targetBlank?: boolean; title: string; url: string }

// A link of a panel needs no more than this: Grafana fills in the rest.
type Panel<Kind extends string, Options, Field> = Omit<BasePanel, 'fieldConfig' | 'links' | 'options' | 'targets' | 'type'> & {
  // Every panel says what it shows.
  description: string;
  fieldConfig: Omit<NonNullable<BasePanel['fieldConfig']>, 'defaults'> & {
    defaults: Omit<NonNullable<BasePanel['fieldConfig']>['defaults'], 'custom' | 'links'> & { custom?: Field; links?: Link[] };
  };
  links?: Link[];
  options: Options;
  targets: Target[];
  title: string;
  type: Kind;
};

type AnyPanel =
  | Panel<'bargauge', BarGauge, Record<string, never>>
  | Panel<'heatmap', Heatmap, HeatmapField>
  | Panel<'stat', Stat, Record<string, never>>
  | Panel<'state-timeline', States, StatesField & { spanNulls: boolean }>
  | Panel<'table', Table, TableField>
  | Panel<'timeseries', Lines, LinesField>
  | RowPanel;

// How marks of Prometheus are written; the schema knows only what all data sources share.
interface Mark extends Omit<AnnotationQuery, 'target'> {
  tagKeys: string;
  target: { expr: string; interval: string; refId: string };
  textFormat: string;
  titleFormat: string;
}

type Variable = NonNullable<NonNullable<Base['templating']>['list']>[number] & { definition?: string };

export type Dashboard = Plain<Omit<Base, 'annotations' | 'panels' | 'templating' | 'title' | 'uid'> & {
  annotations: { list: Mark[] };
  panels: AnyPanel[];
  templating: { list: Variable[] };
  title: string;
  uid: string;
}>;
