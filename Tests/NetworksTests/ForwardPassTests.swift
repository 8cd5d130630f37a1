import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks

@Suite("Forward pass") struct ForwardPassTests {
  /// 64 + 64 + 22 samples: the last block is not full.
  let x = normalSample(150, d: 4)

  @Test("blocks give what the whole matrices and single nodes give", arguments: [true, false])
  func blocks(hasBiases: Bool) throws {
    let network = try drawnNetwork([4, 5, 3, 2], hasBiases: hasBiases)
    let whole = network.preactivations(over: x, layers: 0..<3)
    let outputs = try network.outputs(for: x)
    var seen = 0
    for block in SampleBlockSequence(x) {
      #expect(block.first == seen && block.inputs.columnCount == sampleBlockWidth)
      seen += block.validCount
      let z = network.preactivations(of: block.inputs)
      let activations = network.activations(of: block.inputs, layers: 0..<2)
      for layer in 0..<3 {
        // One layer by itself has the bits that it has among all.
        #expect(network.preactivations(of: block.inputs, layer: layer) == z[layer])
        for i in 0..<block.validCount {
          let below = layer == 0 ? Array(x.row(block.first + i)) : activations[layer - 1].column(i)
          for node in 0..<z[layer].rowCount {
            let row = network.layers[layer].row(node)
            // A few roundings of numbers of size 10.
            #expect(abs(z[layer][node, i] - dotProduct(row, below + [1])) < 1e-13)
            #expect(abs(z[layer][node, i] - whole[layer][block.first + i, node]) < 1e-13)
            if layer < 2 { #expect(activations[layer][node, i] == network.activation(z[layer][node, i])) }
          }
        }
      }
      #expect(network.activations(of: block.inputs, layers: 1..<2) == [activations[1]])
      for i in 0..<block.validCount { #expect(Array(outputs.row(block.first + i)) == z[2].column(i)) }
    }
    #expect(seen == 150)
  }

  @Test("a pass may enter at any layer") func entering() throws {
    let network = try drawnNetwork([4, 5, 3, 2])
    let hidden = network.activations(over: x, layer: 0)
    #expect(
      network.preactivations(over: hidden, entering: 1, layers: 1..<3) == network.preactivations(over: x, layers: 1..<3)
    )
    #expect(network.activations(over: hidden, entering: 1, layer: 1) == network.activations(over: x, layer: 1))
  }

  @Test("a normalised network's is that of the folded one", arguments: BatchNormalization.Placement.allCases)
  func normalised(placement: BatchNormalization.Placement) throws {
    var layers = try drawnNetwork([4, 3, 2]).layers
    layers[0].normalization = BatchNormalization(placement: placement, means: [1, 2, 3], variances: [4, 5, 6])
    let network = try Network(layers: layers, activation: .relu)
    let block = x.transposedBlock(first: 0, count: sampleBlockWidth)
    #expect(network.preactivations(of: block) == network.folded.preactivations(of: block))
    #expect(network.activations(of: block, layers: 0..<1) == network.folded.activations(of: block, layers: 0..<1))
    #expect(network.preactivations(of: block)[1] != (try drawnNetwork([4, 3, 2])).preactivations(of: block)[1])
  }
}
