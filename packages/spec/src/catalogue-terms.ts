/** What a plugin provides. */
export const CAPABILITIES = [
  "data_processing",
  "event_automation",
  "ui_component",
  "api_endpoint",
  "content_provider",
  "integration_connector",
  "agent_skill",
  "analytics_observability",
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** The marketplace's shelves. */
export const CATEGORIES = [
  "ai-agents",
  "creative-tools",
  "productivity",
  "integrations",
  "utilities",
  "security",
  "communication",
  "analytics",
  "experimental",
] as const;
export type Category = (typeof CATEGORIES)[number];

/** How a plugin is paid for. Only `free` needs no price. */
export const PRICING_MODELS = ["free", "one-time", "subscription", "usage-based", "freemium"] as const;
export type PricingModel = (typeof PRICING_MODELS)[number];
