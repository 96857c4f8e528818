/** Operators that compute each output element from the elements at its position, with broadcasting. */
export const ELEMENTWISE: ReadonlySet<string> = new Set(
  (
    'Add Sub Mul Div Max Min Pow Equal Greater GreaterOrEqual Less LessOrEqual And Or Where Not Cast Clip ' +
    'Abs Ceil Elu Erf Exp Floor HardSigmoid Log LeakyRelu Neg Reciprocal Relu Sigmoid Sign Softplus Sqrt Tanh'
  ).split(' '),
);
