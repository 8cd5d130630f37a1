import COpenBLAS

/// Columns of a Jacobian that belong to the rows of one layer, in factors:
///
///     J[(i, c), (k, f)] = sensitivities[(i, c), k] features[i, f]
///
/// for sample i, output c, node k and feature f of the node's input. That is what back-propagation gives for the weights
/// of a layer: how output c changes with the node's pre-activation, times the input.
public struct FactoredJacobian: Sendable {
  /// `[sample and output, node]`, the outputs of a sample one after the other.
  public var sensitivities: Matrix
  /// `[sample, feature]`
  public var features: Matrix

  /// The columns of a layer's weights.
  ///
  /// - Shape: `sensitivities` is `[sample and output, node]`, `features` `[sample, feature]`.
  /// - Precondition: `sensitivities` has as many rows for each sample as there are outputs.
  public init(sensitivities: Matrix, features: Matrix) {
    precondition(
      features.rowCount > 0 && sensitivities.rowCount % features.rowCount == 0, "one row for each sample and output")
    self.sensitivities = sensitivities
    self.features = features
  }

  public var nodeCount: Int { sensitivities.columnCount }
  public var columnCount: Int { nodeCount * features.columnCount }
}

extension LinearAlgebra {
  /// `C += J^T J` in the lower triangle of `C`, the columns of `J` being those of the layers, one after the other; node
  /// after node, and feature after feature within a node.
  ///
  /// The outputs never meet the features: with `beta_kk'(i) = sum_c s_ick s_ick'`,
  ///
  ///     (J^T J)[(k, f), (k', f')] = sum_i beta_kk'(i) x_if x'_if'
  ///
  /// so the sum over outputs is paid for pairs of nodes, not for pairs of weights. For each node k this is one product of
  /// matrices, and samples at which the node passes nothing on (`beta_kk = 0`, a closed gate) are left out of it.
  ///
  /// - Shape: `c` is `[column, column]`; its upper triangle is left alone but for the blocks on the diagonal, whose upper
  ///   halves are added to as well.
  /// - Complexity: samples x (nodes^2 x outputs + columns^2) operations, about half of the second term where half of the
  ///   gates are closed; memory O(samples x (nodes^2 + columns)): give blocks of a few hundred samples.
  public static func addGram(of layers: [FactoredJacobian], to c: inout Matrix) {
    guard let samples = layers.first?.features.rowCount, let rows = layers.first?.sensitivities.rowCount else { return }
    precondition(layers.allSatisfy { $0.features.rowCount == samples && $0.sensitivities.rowCount == rows })
    let columns = layers.reduce(0) { $0 + $1.columnCount }
    precondition(c.rowCount == columns && c.columnCount == columns)
    let couplings = couplings(of: layers)
    let nodeCount = couplings.columnCount
    let largestWidth = layers.reduce(0) { max($0, $1.features.columnCount) }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: samples * (columns + largestWidth)) { scratch in
      guard let weighted = scratch.baseAddress else { return }
      let kept = weighted + samples * columns
      var (node, offset) = (0, 0)
      for (index, layer) in layers.enumerated() {
        let width = layer.features.columnCount
        for k in 0..<layer.nodeCount {
          let end = offset + width
          var count = 0
          for i in 0..<samples {
            let row = (i * nodeCount + node) * nodeCount
            guard couplings.values[row + node] != 0 else { continue }
            couplings.values.withUnsafeBufferPointer { beta in
              scale(
                layers[...index], sample: i, by: beta.baseAddress.map { $0 + row }, ownNodes: k + 1,
                into: weighted + count * end)
            }
            layer.features.values.withUnsafeBufferPointer { features in
              for f in 0..<width { kept[count * width + f] = features[i * width + f] }
            }
            count += 1
          }
          if count > 0 {
            c.values.withUnsafeMutableBufferPointer { c in
              guard let target = c.baseAddress else { return }
              cblas_dgemm(
                CblasRowMajor, CblasTrans, CblasNoTrans, Int32(width), Int32(end), Int32(count), 1, kept, Int32(width),
                weighted, Int32(end), 1, target + offset * columns, Int32(columns))
            }
          }
          node += 1
          offset = end
        }
      }
    }
  }

  /// `C_k += sum_i beta_kk(i) x_i x_i^T` in the lower triangle for each node: of the matrix of ``addGram(of:to:)``, the blocks on
  /// the diagonal.
  ///
  /// - Shape: `grams` is `[node]`, each `[feature, feature]`.
  /// - Complexity: samples x nodes x (outputs + features^2) operations; memory O(samples x features).
  public static func addNodeGrams(of layer: FactoredJacobian, to grams: inout [Matrix]) {
    let (samples, width, nodes) = (layer.features.rowCount, layer.features.columnCount, layer.nodeCount)
    precondition(grams.count == nodes && grams.allSatisfy { $0.rowCount == width && $0.columnCount == width })
    let outputs = layer.sensitivities.rowCount / samples
    useOneThread()
    withUnsafeTemporaryAllocation(of: Double.self, capacity: samples * width) { scratch in
      guard let rows = scratch.baseAddress else { return }
      for k in 0..<nodes {
        var count = 0
        for i in 0..<samples {
          var beta = 0.0
          for c in 0..<outputs {
            let sensitivity = layer.sensitivities.values[(i * outputs + c) * nodes + k]
            beta += sensitivity * sensitivity
          }
          guard beta != 0 else { continue }
          let factor = beta.squareRoot()
          for f in 0..<width { rows[count * width + f] = factor * layer.features.values[i * width + f] }
          count += 1
        }
        guard count > 0 else { continue }
        grams[k].values.withUnsafeMutableBufferPointer { gram in
          cblas_dsyrk(
            CblasRowMajor, CblasLower, CblasTrans, Int32(width), Int32(count), 1, rows, Int32(width), 1,
            gram.baseAddress, Int32(width))
        }
      }
    }
  }

  /// Every node's features of one sample, times that node's coefficient; of the last layer the first `ownNodes` only.
  private static func scale(
    _ layers: ArraySlice<FactoredJacobian>, sample: Int, by coefficients: UnsafePointer<Double>?, ownNodes: Int,
    into target: UnsafeMutablePointer<Double>
  ) {
    guard var coefficient = coefficients else { return }
    var place = target
    for (index, layer) in layers.enumerated() {
      let width = layer.features.columnCount
      layer.features.values.withUnsafeBufferPointer { features in
        guard let source = features.baseAddress.map({ $0 + sample * width }) else { return }
        for _ in 0..<(index == layers.count - 1 ? ownNodes : layer.nodeCount) {
          let factor = coefficient.pointee
          for f in 0..<width { place[f] = factor * source[f] }
          place += width
          coefficient += 1
        }
      }
    }
  }

  /// `beta_kk'(i)` between the nodes of all layers: `[sample and node, node]`.
  private static func couplings(of layers: [FactoredJacobian]) -> Matrix {
    let samples = layers[0].features.rowCount
    let outputs = layers[0].sensitivities.rowCount / samples
    let nodeCount = layers.reduce(0) { $0 + $1.nodeCount }
    var all = Matrix(rowCount: samples * outputs, columnCount: nodeCount)
    var first = 0
    for layer in layers {
      let count = layer.nodeCount
      all.values.withUnsafeMutableBufferPointer { all in
        layer.sensitivities.values.withUnsafeBufferPointer { own in
          for row in 0..<(samples * outputs) {
            for k in 0..<count { all[row * nodeCount + first + k] = own[row * count + k] }
          }
        }
      }
      first += count
    }
    var result = Matrix(rowCount: samples * nodeCount, columnCount: nodeCount)
    useOneThread()
    all.values.withUnsafeBufferPointer { all in
      result.values.withUnsafeMutableBufferPointer { result in
        guard let source = all.baseAddress, let target = result.baseAddress else { return }
        for i in 0..<samples {
          cblas_dsyrk(
            CblasRowMajor, CblasLower, CblasTrans, Int32(nodeCount), Int32(outputs), 1,
            source + i * outputs * nodeCount, Int32(nodeCount), 0, target + i * nodeCount * nodeCount, Int32(nodeCount))
        }
      }
    }
    return result
  }
}
