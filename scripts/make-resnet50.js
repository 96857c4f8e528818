// Writes a ResNet-50 of 224 pixels and 1,000 classes with random weights (He initialisation; statistics near 0 and 1): a
// stand-in for a trained one where only time and memory matter.
//
//   node scripts/make-resnet50.js FILE
import { writeFileSync } from 'node:fs';
import { buildNetwork, RESNET_50 } from './bench-networks.js';

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node scripts/make-resnet50.js FILE');
  process.exit(2);
}
writeFileSync(file, buildNetwork(RESNET_50, 224, 1000));
