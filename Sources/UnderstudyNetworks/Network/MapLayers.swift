import UnderstudyNumerics

// What layers make of maps, by plain loops in double precision. A map is flattened `[channel, row, column]`, and each column of
// a matrix is one sample's.

extension NetworkLayer {
  /// Pre-activations, not normalised.
  ///
  /// - Shape: `maps` is `[(channel, row, column) below, sample]`, the result `[(channel, row, column), sample]`.
  /// - Complexity: O(samples x positions x weights).
  func preactivations(ofMaps maps: Matrix, of size: MapSize, giving result: MapSize) -> Matrix {
    guard case .convolution(let window) = kind else { return preactivations(of: maps) }
    var z = Matrix(rowCount: result.count, columnCount: maps.columnCount)
    for node in 0..<nodeCount {
      for position in 0..<result.positionCount {
        let place = node * result.positionCount + position
        for sample in 0..<maps.columnCount { z[place, sample] = biases?[node] ?? 0 }
        for (offset, source) in window.places(at: position, of: result, over: size) {
          for channel in 0..<size.channels {
            let weight = weights[node, channel * window.count + offset]
            let row = channel * size.positionCount + source
            for sample in 0..<maps.columnCount { z[place, sample] += weight * maps[row, sample] }
          }
        }
      }
    }
    return z
  }
}

extension BatchNormalization {
  /// Normalises maps by the running statistics, channel by channel.
  ///
  /// - Shape: `maps` is `[(channel, row, column), sample]`.
  func apply(to maps: inout Matrix, positionCount: Int) {
    for (channel, factor) in factors.enumerated() {
      let constant = (shifts?[channel] ?? 0) - factor * means[channel]
      for row in channel * positionCount..<(channel + 1) * positionCount {
        for sample in 0..<maps.columnCount { maps[row, sample] = factor * maps[row, sample] + constant }
      }
    }
  }
}

extension Pooling {
  /// The smaller maps of some maps.
  ///
  /// - Shape: `maps` is `[(channel, row, column), sample]`, and so is the result.
  func maps(of maps: Matrix, size: MapSize) -> Matrix {
    let (window, isMaximum): (Window, Bool) =
      switch self {
      case .maximum(let window): (window, true)
      case .average(let window): (window, false)
      case .globalAverage: (Window(rows: size.rows, columns: size.columns), false)
      }
    guard let result = self.size(over: size) else { preconditionFailure("a pooling larger than its map") }
    var pooled = Matrix(rowCount: result.count, columnCount: maps.columnCount)
    for channel in 0..<size.channels {
      for position in 0..<result.positionCount {
        let places = window.places(at: position, of: result, over: size).map {
          channel * size.positionCount + $0.source
        }
        for sample in 0..<maps.columnCount {
          let values = places.lazy.map { maps[$0, sample] }
          pooled[channel * result.positionCount + position, sample] =
            isMaximum ? values.max() ?? 0 : values.reduce(0, +) / Double(places.count)
        }
      }
    }
    return pooled
  }
}

extension Window {
  /// The places of a map that the window is over at a position of the result, with their places within the window; without
  /// the padding.
  func places(at position: Int, of result: MapSize, over size: MapSize) -> [(offset: Int, source: Int)] {
    let (row, column) = position.quotientAndRemainder(dividingBy: result.columns)
    var places: [(offset: Int, source: Int)] = []
    for r in 0..<rows {
      let y = row * rowStride - rowPadding + r
      guard (0..<size.rows).contains(y) else { continue }
      for c in 0..<columns {
        let x = column * columnStride - columnPadding + c
        if (0..<size.columns).contains(x) { places.append((r * columns + c, y * size.columns + x)) }
      }
    }
    return places
  }
}
