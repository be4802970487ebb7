// Made from schema files by `sekisho types`.

/** a kind of animal */
export interface Category {
  /** made by the server when absent */
  id: string;
  /** one of a kind */
  name: string;
  /** free text */
  description: string;
}

export interface CategoryCreate {
  /** made by the server when absent */
  id?: string;
  /** one of a kind */
  name: string;
  /** free text */
  description?: string;
}

export interface CategoryUpdate {
  /** one of a kind */
  name?: string;
  /** free text */
  description?: string;
}

/** a shop that sells animals */
export interface Store {
  /** made by the server when absent */
  id: string;
  /** what people call it */
  name: string;
  /** free text */
  description: string;
  /** where it is */
  city: string;
  /** how to reach it */
  email: string | null;
  /** who it belongs to; the caller's tenant when absent */
  tenant_id: string | null;
}

export interface StoreCreate {
  /** made by the server when absent */
  id?: string;
  /** what people call it */
  name: string;
  /** free text */
  description?: string;
  /** where it is */
  city: string;
  /** how to reach it */
  email?: string | null;
  /** who it belongs to; the caller's tenant when absent */
  tenant_id?: string;
}

export interface StoreUpdate {
  /** what people call it */
  name?: string;
  /** free text */
  description?: string;
  /** where it is */
  city?: string;
  /** how to reach it */
  email?: string | null;
}

/** an animal of a store */
export interface Pet {
  /** made by the server when absent */
  id: string;
  /** what people call it */
  name: string;
  /** free text */
  description: string;
  /** what kind of animal it is */
  category_id: string;
  /** whether it can be bought */
  status: "available" | "pending" | "sold";
  /** in euros */
  price: number;
  /** what the store paid; nobody else's business */
  purchase_price: number | null;
  /** another pet */
  mother_id: string | null;
  /** what it looks like */
  traits: {
    colour?: string;
    weight_kg?: number;
    [key: string]: unknown;
  } | null;
  /** words to find it by */
  tags: string[];
  /** who it belongs to; the caller's tenant when absent */
  tenant_id: string | null;
  /** parent object */
  store_id: string;
  category?: Category | null;
  mother?: Pet | null;
}

export interface PetCreate {
  /** made by the server when absent */
  id?: string;
  /** what people call it */
  name: string;
  /** free text */
  description?: string;
  /** what kind of animal it is */
  category_id: string;
  /** whether it can be bought */
  status?: "available" | "pending" | "sold";
  /** in euros */
  price: number;
  /** what the store paid; nobody else's business */
  purchase_price?: number | null;
  /** another pet */
  mother_id?: string | null;
  /** what it looks like */
  traits?: {
    colour?: string;
    weight_kg?: number;
    [key: string]: unknown;
  };
  /** words to find it by */
  tags?: string[];
  /** who it belongs to; the caller's tenant when absent */
  tenant_id?: string;
  /** parent object */
  store_id: string;
}

export interface PetUpdate {
  /** what people call it */
  name?: string;
  /** free text */
  description?: string;
  /** whether it can be bought */
  status?: "available" | "pending" | "sold";
  /** in euros */
  price?: number;
  /** what the store paid; nobody else's business */
  purchase_price?: number | null;
  /** another pet */
  mother_id?: string | null;
  /** what it looks like */
  traits?: {
    colour?: string;
    weight_kg?: number;
    [key: string]: unknown;
  };
  /** words to find it by */
  tags?: string[];
}

/** somebody wants a pet */
export interface Order {
  /** made by the server when absent */
  id: string;
  /** which one */
  pet_id: string;
  /** how far it is */
  status: "placed" | "cancelled" | "delivered";
  /** wishes */
  note: string;
  /** who it belongs to; the caller's tenant when absent */
  tenant_id: string | null;
  pet?: Pet | null;
}

export interface OrderCreate {
  /** made by the server when absent */
  id?: string;
  /** which one */
  pet_id: string;
  /** how far it is */
  status?: "placed" | "cancelled" | "delivered";
  /** wishes */
  note?: string;
  /** who it belongs to; the caller's tenant when absent */
  tenant_id?: string;
}

export interface OrderUpdate {
  /** how far it is */
  status?: "placed" | "cancelled" | "delivered";
  /** wishes */
  note?: string;
}

export type OrderCancelInput = {
  reason?: string;
};

export type OrderCancelOutput = Order;

/** Every schema by its id. */
export interface Schemas {
  category: {
    resource: Category;
    create: CategoryCreate;
    update: CategoryUpdate;
    singular: "category";
    plural: "categories";
  };
  store: {
    resource: Store;
    create: StoreCreate;
    update: StoreUpdate;
    singular: "store";
    plural: "stores";
  };
  pet: {
    resource: Pet;
    create: PetCreate;
    update: PetUpdate;
    singular: "pet";
    plural: "pets";
  };
  order: {
    resource: Order;
    create: OrderCreate;
    update: OrderUpdate;
    singular: "order";
    plural: "orders";
    actions: {
      cancel: { input: OrderCancelInput; output: OrderCancelOutput };
    };
  };
}
