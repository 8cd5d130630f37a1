import UnderstudySchema

/// What a student node is among the teacher's.
enum NodeRole: CaseIterable {
  case follower, turnedRound, handsOn, alwaysActive, other

  /// Of nodes that are active at practically all inputs.
  static let alwaysActiveShare = 0.99

  /// - Parameters:
  ///   - rho: its best correlation with a teacher node of its layer, with one that is turned round, and with one of the layer
  ///     below.
  ///   - activeShare: the share of the inputs at which it is active.
  init(rho: Double, mirroredRho: Double, belowRho: Double, activeShare: Double) {
    self =
      if rho > recoveryThreshold {
        .follower
      } else if mirroredRho > recoveryThreshold {
        .turnedRound
      } else if belowRho > recoveryThreshold {
        .handsOn
      } else if activeShare >= Self.alwaysActiveShare {
        .alwaysActive
      } else {
        .other
      }
  }

  /// In legends.
  var label: String {
    switch self {
    case .follower: "follows a teacher node"
    case .turnedRound: "follows one turned round"
    case .handsOn: "follows one of the layer below"
    case .alwaysActive: "active at all inputs"
    case .other: "none of these"
    }
  }

  static let note =
    "Follows: ρ > \(recoveryThreshold), of a node turned round with φ(−z*); active at all inputs: at \(Int(100 * alwaysActiveShare)) % "
    + "of them or more, so that the node is affine there."
}

extension LayerReader {
  /// What the student nodes of each hidden layer are, dead ones among them; nil if what tells is not recorded at the epoch.
  func roles(at epoch: Int?) throws(FigureError) -> [[NodeRole]]? {
    let epoch = epoch ?? run.lastEpoch
    let telling: [Measure] = [.layerMirroredCorrelations, .layerBelowCorrelations, .layerActiveShares]
    guard telling.allSatisfy({ run.recorded($0, at: epoch) != nil }) else { return nil }
    let rho = try studentNodes(.layerStudentCorrelations, at: epoch)
    let mirrored = try studentNodes(.layerMirroredCorrelations, at: epoch)
    let below = try studentNodes(.layerBelowCorrelations, at: epoch)
    let active = try studentNodes(.layerActiveShares, at: epoch)
    return (0..<depth).map { layer in
      rho[layer].indices.map {
        NodeRole(
          rho: rho[layer][$0], mirroredRho: mirrored[layer][$0], belowRho: below[layer][$0],
          activeShare: active[layer][$0])
      }
    }
  }
}
