import type { Attribute, Node } from '../model.js';
import type { AttributeSpec, AttributeValue, OpDefinition, ParsedAttributes } from './define-op.js';
import { attributeError, unsupported } from './support/shapes.js';

/**
 * A node's attributes with defaults filled in; those an opset does not have are undefined.
 * @throws DfkdError E_ATTR for one that is unknown, missing, of another kind or out of range
 */
export function parseAttributes(definition: OpDefinition, node: Node, opset: number): ParsedAttributes {
  const specs = new Map(Object.entries(definition.attributes).filter(([, spec]) => exists(spec, opset)));
  for (const name of node.attributes.keys()) {
    if (!specs.has(name)) throw attributeError(`attribute '${name}' does not exist at opset ${opset}.`);
  }
  return Object.fromEntries(
    [...specs].map(([name, spec]) => [name, parse(name, spec, node.attributes.get(name))]),
  );
}

function exists({ since = 1, before = Infinity }: AttributeSpec, opset: number): boolean {
  return opset >= since && opset < before;
}

function parse(name: string, spec: AttributeSpec, attribute: Attribute | undefined): AttributeValue {
  if (attribute === undefined) {
    if (spec.required) throw attributeError(`attribute '${name}' is missing.`);
    return spec.default;
  }
  if (attribute.kind === 'other') {
    throw unsupported(`attribute '${name}' holds ${attribute.value}, which is not supported.`);
  }
  if (attribute.kind !== spec.kind) {
    throw attributeError(`attribute '${name}' must be ${spec.kind}, but is ${attribute.kind}.`);
  }
  if (spec.oneOf && !spec.oneOf.includes(attribute.value)) {
    throw attributeError(
      `attribute '${name}' is ${JSON.stringify(attribute.value)}, but must be one of ${JSON.stringify(spec.oneOf)}.`,
    );
  }
  return attribute.value;
}
