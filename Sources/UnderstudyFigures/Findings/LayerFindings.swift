import UnderstudyRecords
import UnderstudySchema

/// The statistics of hidden layers.
func layerStatistic(of declaration: FindingDeclaration, over runs: [RunRecord]) throws(FigureError) -> Evaluation {
  let tables = try layerTables(runs, figure: declaration.statement)
  if declaration.statistic == .layerOrder { return try layerOrder(tables) }
  guard let layer = declaration.layer else {
    return .undefined(reason: "the finding names no hidden layer; add layer: 1 for the lowest")
  }
  let depth = tables.map(\.depth).min() ?? 0
  guard (1...max(depth, 1)).contains(layer) else {
    return .undefined(
      reason:
        "a selected teacher has \(depth) hidden layer\(depth == 1 ? "" : "s") and no layer \(layerLabel(layer)); give one "
        + "from 1 (lowest) to \(depth), or select deeper teachers by teacher.widths")
  }
  let index = layer - 1
  switch declaration.statistic {
  case .layerCorrelation:
    return try averageOfLayer(index, declaration, tables) { mean($0) ?? 0 }
  case .layerMatchedShare:
    return try averageOfLayer(index, declaration, tables) { rho in
      Double(rho.count { $0 > matchThreshold }) / Double(rho.count)
    }
  case .epochsToSpecialize:
    var epochs: [Double] = []
    for table in tables { epochs.append(try table.specializationEpochs()[index]) }
    guard let center = median(epochs), center.isFinite else {
      return .undefined(
        reason: "in half of the runs or more the mean best rho of layer \(layerLabel(layer)) never is "
          + "\(specializationThreshold) or more; train longer")
    }
    return .value(center)
  case .layerArmRatio: return try layerArmRatio(index, declaration, tables)
  default: preconditionFailure("\(declaration.statistic) is no statistic of this file")
  }
}

/// A teacher node is matched when its best rho is above this.
private let matchThreshold = 0.9

/// The mean over runs of a function of the best rho of the layer's teacher nodes.
private func averageOfLayer(
  _ layer: Int, _ declaration: FindingDeclaration, _ tables: [LayerTable], _ value: ([Double]) -> Double
) throws(FigureError) -> Evaluation {
  var values: [Double] = []
  for table in tables {
    let epoch = declaration.epoch ?? table.record.lastEpoch
    values.append(value(try table.teacherNodes(.layerCorrelations, epoch: epoch)[layer]))
  }
  return .value(mean(values) ?? .nan)
}

/// Runs of one setting have as many layers as each other, those of two settings need not: hence one order for each.
private func layerOrder(_ tables: [LayerTable]) throws(FigureError) -> Evaluation {
  var times: [Int: [[Double]]] = [:]
  for table in tables { times[table.record.run.settingIndex, default: []].append(try table.specializationEpochs()) }
  var orders: [Double] = []
  for setting in times.keys.sorted() {
    let epochs = times[setting] ?? []
    let depth = epochs.map(\.count).min() ?? 0
    let medians = (0..<depth).map { layer in median(epochs.map { $0[layer] }) ?? .infinity }
    if let order = spearmanCorrelation((0..<depth).map(Double.init), medians) { orders.append(order) }
  }
  guard let order = mean(orders) else {
    return .undefined(
      reason: "of no selected setting do the layers specialize one after the other: it has one hidden layer, or all "
        + "reach a mean best rho of \(specializationThreshold) at the same recorded epoch, or none does")
  }
  return .value(order)
}

/// Medians are over the student nodes of all runs together. Dead nodes are in neither arm.
private func layerArmRatio(
  _ layer: Int, _ declaration: FindingDeclaration, _ tables: [LayerTable]
) throws(FigureError) -> Evaluation {
  var aligned: [Double] = []
  var unaligned: [Double] = []
  for table in tables {
    let epoch = declaration.epoch ?? table.record.lastEpoch
    let rho = try table.studentNodes(.layerStudentCorrelations, epoch: epoch)[layer]
    let strengths = try table.studentNodes(.layerStrengths, epoch: epoch)[layer]
    let dead = try table.isDead(epoch: epoch)[layer]
    for student in rho.indices where !dead[student] {
      if rho[student] > recoveryThreshold { aligned.append(strengths[student]) }
      if rho[student] < 0.8 { unaligned.append(strengths[student]) }
    }
  }
  let name = "student node of layer \(layerLabel(layer + 1))"
  guard let upper = median(aligned) else { return .undefined(reason: "no \(name) has best rho > 0.95") }
  guard let lower = median(unaligned) else { return .undefined(reason: "no live \(name) has best rho < 0.8") }
  guard lower > 0 else {
    return .undefined(reason: "half of the unaligned student nodes of layer \(layerLabel(layer + 1)) have strength 0")
  }
  return .value(upper / lower)
}
